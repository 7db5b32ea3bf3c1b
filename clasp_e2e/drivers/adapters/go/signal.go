package main

import (
	"encoding/json"
	"strings"

	"github.com/pion/webrtc/v4"
)

// Signals, announcements and relayed payloads, and the addresses to which they are published.
//
// Source: "The wire and its conventions", docs/wire.md.

const (
	announceAddress = "/clasp/p2p/announce"
	signalPrefix    = "/clasp/p2p/signal/"
	relayPrefix     = "/clasp/p2p/relay/"
)

// signal is a signal between two sessions.
type signal struct {
	kind, from, id, sdp, candidate, reason string
}

// readSignal returns the signal in a value, if it is well-formed.
func readSignal(value any) (signal, bool) {
	fields, ok := value.(map[string]any)
	if !ok {
		return signal{}, false
	}
	text := func(key string) string {
		found, _ := fields[key].(string)
		return found
	}
	s := signal{text("type"), text("from"), text("correlation_id"), text("sdp"), "", text("reason")}
	if s.from == "" || s.id == "" {
		return signal{}, false
	}
	switch s.kind {
	case "offer", "answer":
		return s, describesDataChannel(s.sdp)
	case "ice_candidate":
		s.candidate = candidateOf(fields["candidate"])
		return s, true
	case "connected", "disconnected":
		return s, true
	}
	return signal{}, false
}

// describesDataChannel returns whether a description has what a DataChannel needs (RFC 8839, RFC 8841).
func describesDataChannel(sdp string) bool {
	if !strings.HasPrefix(sdp, "v=0") || !strings.Contains(sdp, "SCTP") {
		return false
	}
	for _, needed := range []string{"m=application ", "a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:"} {
		if !strings.Contains(sdp, "\n"+needed) {
			return false
		}
	}
	return true
}

// candidateOf returns the candidate attribute in a signal: a bare line, a JSON object or a map. It is empty if
// there is none.
func candidateOf(value any) string {
	switch value := value.(type) {
	case map[string]any:
		return candidateOf(value["candidate"])
	case string:
		text := strings.TrimSpace(value)
		if strings.HasPrefix(text, "{") {
			var init webrtc.ICECandidateInit
			if json.Unmarshal([]byte(text), &init) != nil {
				return ""
			}
			text = strings.TrimSpace(init.Candidate)
		}
		text = strings.TrimPrefix(strings.TrimPrefix(text, "a="), "candidate:")
		if fields := strings.Fields(text); len(fields) < 8 || fields[6] != "typ" {
			return ""
		}
		return "candidate:" + text
	}
	return ""
}

// readAnnouncement returns the event of an announcement of another session.
func readAnnouncement(value any, own string) (Event, bool) {
	fields, ok := value.(map[string]any)
	if !ok || fields["p2p_capable"] != true {
		return nil, false
	}
	session, ok := fields["session_id"].(string)
	if !ok || session == "" || session == own {
		return nil, false
	}
	names := []string{}
	items, _ := fields["features"].([]any)
	for _, each := range items {
		name, ok := each.(string)
		if !ok {
			return nil, false
		}
		names = append(names, name)
	}
	return Event{"type": "peer_announced", "peer_session_id": session, "features": names}, true
}

// readRelayed returns the event of a relayed payload.
func readRelayed(value any) (Event, bool) {
	fields, _ := value.(map[string]any)
	from, hasFrom := fields["from"].(string)
	data, hasData := fields["data"].([]byte)
	reliable, hasKind := fields["reliable"].(bool)
	event := Event{"type": "data", "peer_session_id": from, "data": data, "reliable": reliable}
	return event, hasFrom && hasData && hasKind
}

// candidateJSON returns a candidate as the JSON text of an RTCIceCandidateInit.
func candidateJSON(init webrtc.ICECandidateInit) string {
	text, err := json.Marshal(init)
	if err != nil {
		return init.Candidate
	}
	return string(text)
}
