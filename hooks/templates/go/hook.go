// Every job must have an owner.
//
// This file holds the rule; abi.go, how the host reaches it.
package main

import "encoding/json"

func main() {} // the host calls exports, never main

type object = map[string]any

var description = object{
	"name":           "{{name}}",
	"version":        "0.1.0",
	"summary":        "Every job must have an owner",
	"resource-types": []string{"krony_job"},
}

// checkSettings tells what is wrong with the settings, "" if nothing is.
func checkSettings(settings json.RawMessage) string {
	if string(settings) != "{}" {
		return "expected no settings, found " + string(settings)
	}
	return ""
}

// judge answers "ok", findings or needs-known. The planned object is null for a job that is deleted.
func judge(planned json.RawMessage) any {
	if string(planned) == "null" {
		return "ok"
	}
	var job struct {
		Owner any `json:"owner"`
	}
	if err := json.Unmarshal(planned, &job); err != nil {
		panic(err) // the host reports it, and nothing passes
	}
	path := []object{{"attribute": "owner"}}
	switch owner := job.Owner.(type) {
	case string:
		return "ok"
	case object:
		if owner["$unknown"] == true {
			return object{"needs-known": [][]object{path}} // ask again when it is known
		}
		return "ok" // $sensitive: there is an owner, whom the hook may not see
	}
	return object{"findings": []object{{
		"severity": "error",
		"summary":  "Job without an owner",
		"detail":   "An owner is expected, found none. Write for example: owner = \"Team Blue\"",
		"path":     path,
	}}}
}
