package main

import "testing"

func TestOnlyPlainHTTPIsRefused(t *testing.T) {
	settings := settings{ExceptHosts: []string{"localhost"}}
	for address, passes := range map[string]bool{
		"https://example.com":          true,
		"http://LOCALHOST:8080/x":      true,
		"http://[::1":                  true, // no address at all
		"":                             true,
		"http://example.com":           false,
		"HTTP://example.com":           false,
		"http://localhost@example.com": false,
		"http://localhost.example.com": false,
	} {
		if verdict := judgeAddress(settings, address); (verdict == "ok") != passes {
			t.Errorf("%q: expected %t for passing, found %v", address, passes, verdict)
		}
	}
}
