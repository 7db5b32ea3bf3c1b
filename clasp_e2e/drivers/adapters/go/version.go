package main

import "runtime/debug"

// pionVersion returns the version of pion with which this program was built.
func pionVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, each := range info.Deps {
			if each.Path == "github.com/pion/webrtc/v4" {
				return each.Version
			}
		}
	}
	return "of an unknown version"
}
