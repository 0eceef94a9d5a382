// A hook that refuses jobs which call plain http:// addresses.
//
// This file holds the rule; abi.go, how the host reaches it.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

func main() {} // the host calls exports, never main

type object = map[string]any

var description = object{
	"name":           "no-plain-http",
	"version":        "1.0.0",
	"summary":        "Refuses jobs that call plain http:// addresses",
	"resource-types": []string{"krony_job"},
	"settings-schema": object{
		"type": "object",
		"properties": object{
			"except_hosts": object{
				"type":        "array",
				"items":       object{"type": "string"},
				"description": "Hosts that may be called without encryption",
			},
		},
		"additionalProperties": false,
	},
}

type settings struct {
	ExceptHosts []string `json:"except_hosts"`
}

func readSettings(text json.RawMessage) (settings, error) {
	var read settings
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return read, err
	}
	for _, host := range read.ExceptHosts {
		if host == "" || strings.ContainsAny(host, "/@ ") {
			return read, fmt.Errorf("except_hosts: expected names of hosts such as \"localhost\", found %q", host)
		}
	}
	return read, nil
}

func (s settings) allow(host string) bool {
	for _, excepted := range s.ExceptHosts {
		if strings.EqualFold(host, excepted) {
			return true
		}
	}
	return false
}

// The parts of a job that the rule looks at. Any of them may be a marker in the place of its value.
type job struct {
	Executor json.RawMessage `json:"executor"`
}

type executor struct {
	Name   json.RawMessage `json:"name"`
	Config json.RawMessage `json:"config"`
}

// A map, as the fields of a struct would also take a key `URL`, which dkron does not know.
type config map[string]json.RawMessage

// A step from a value to a part of it: attribute or key.
type step map[string]string

var (
	executorPath = []step{{"attribute": "executor"}}
	namePath     = append(executorPath[:1:1], step{"attribute": "name"})
	configPath   = append(executorPath[:1:1], step{"attribute": "config"})
	urlPath      = append(configPath[:2:2], step{"key": "url"})
)

// judge answers "ok", findings or needs-known. A planned job of null, which is a delete, has no executor.
func judge(settings settings, planned json.RawMessage) (any, error) {
	var job job
	if err := read(planned, &job); err != nil {
		return nil, err
	}
	if isMarker(job.Executor) {
		return needsKnown(executorPath), nil
	}
	var executor executor
	if err := read(job.Executor, &executor); err != nil {
		return nil, err
	}
	if isMarker(executor.Name) {
		return needsKnown(namePath), nil
	}
	if string(executor.Name) != `"http"` {
		return "ok", nil
	}
	if isMarker(executor.Config) {
		return needsKnown(configPath), nil
	}
	var config config
	if err := read(executor.Config, &config); err != nil {
		return nil, err
	}
	address, text := config["url"], ""
	if isMarker(address) {
		return needsKnown(urlPath), nil
	}
	if err := read(address, &text); err != nil {
		return nil, err
	}
	return judgeAddress(settings, text), nil
}

// judgeAddress reads the address with the same parser as dkron, which is written in Go too: what fails here is
// never called. Only the host is shown, as there may be a password in front of it or a token behind it.
func judgeAddress(settings settings, address string) any {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "http" || settings.allow(parsed.Hostname()) {
		return "ok"
	}
	return object{"findings": []object{{
		"severity": "error",
		"summary":  "The job calls a plain http:// address",
		"detail": fmt.Sprintf("Expected https://, found http:// to the host %q: anyone on the way can read and change "+
			"the call. Use https://, or let the operator add the host to except_hosts.", parsed.Hostname()),
		"path": urlPath,
		"rule": "plain-http",
	}}}
}

// isMarker tells whether $unknown or $sensitive stands where a value is expected. No value that the rule looks at
// has such a field.
func isMarker(value json.RawMessage) bool {
	var marker struct {
		Unknown   bool `json:"$unknown"`
		Sensitive bool `json:"$sensitive"`
	}
	return json.Unmarshal(value, &marker) == nil && (marker.Unknown || marker.Sensitive)
}

// read decodes what is there; what is missing leaves the target as it is.
func read(value json.RawMessage, target any) error {
	if len(value) == 0 {
		return nil
	}
	return json.Unmarshal(value, target)
}

func needsKnown(path []step) any {
	return object{"needs-known": [][]step{path}}
}
