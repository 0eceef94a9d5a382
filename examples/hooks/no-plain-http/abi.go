//go:build wasip1

package main

import (
	"encoding/json"
	"unsafe"
)

// What was handed out to the host, and the last answer: the garbage collector must not take them away.
var (
	reserved [][]byte
	answer   []byte
)

// reserve gives the host room for a call.
//
//go:wasmexport krony_alloc
func reserve(length uint32) uint32 {
	room := make([]byte, max(length, 1))
	reserved = append(reserved, room)
	return addressOf(room)
}

// handle takes a call as JSON and returns where the answer is: its address in the upper 32 bits, its length in the
// lower ones.
//
//go:wasmexport krony_hook_v1
func handle(address, length uint32) uint64 {
	// The call lies in what was reserved for it last.
	room := reserved[len(reserved)-1]
	if addressOf(room) != address {
		panic("a call must lie in what krony_alloc returned last")
	}
	var err error
	if answer, err = json.Marshal(answerTo(room[:length])); err != nil {
		panic(err)
	}
	return uint64(addressOf(answer))<<32 | uint64(len(answer))
}

func addressOf(bytes []byte) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(bytes))))
}

type call struct {
	Call     string          `json:"call"`
	Settings json.RawMessage `json:"settings"`
	Request  struct {
		Planned json.RawMessage `json:"planned"`
	} `json:"request"`
}

// answerTo panics where it cannot answer: the host reports it, and nothing passes.
func answerTo(text []byte) any {
	var call call
	if err := json.Unmarshal(text, &call); err != nil {
		panic(err)
	}
	if call.Call == "describe" {
		return description
	}
	settings, err := readSettings(call.Settings)
	if call.Call == "validate-settings" {
		if err != nil {
			return object{"error": err.Error()}
		}
		return "ok"
	}
	if err != nil {
		panic(err)
	}
	verdict, err := judge(settings, call.Request.Planned)
	if err != nil {
		panic(err)
	}
	return verdict
}
