package main

import (
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

const (
	reliableLabel   = "clasp-reliable"
	unreliableLabel = "clasp"

	// unstatedLimit is what a peer accepts in one message if its SDP states no limit (RFC 8841, section 6.1).
	unstatedLimit = 65536
	messageLimit  = 262144

	// Consent expires after 30 s (RFC 7675, section 5.1): 5 s until the connection is disconnected, 25 s more.
	disconnectedAfter = 5 * time.Second
	failedAfter       = 25 * time.Second
	keepAlive         = 2 * time.Second

	// drainLimit is how long an orderly end waits until the peer has acknowledged all data.
	drainLimit = time.Second
)

var statedLimit = regexp.MustCompile(`(?m)^a=max-message-size:(\d+)`)

type payload struct {
	data     []byte
	reliable bool
}

// negotiation is one offer and its answer, and the peer connection between them. Client.mutex guards it.
type negotiation struct {
	client *Client
	remote *remote
	id     string // the correlation id
	ours   bool   // whether this side made the offer
	pc     *webrtc.PeerConnection

	published bool // whether the own description was sent
	answered  bool
	described bool // whether the remote description is set
	ended     bool
	limit     int

	channels map[bool]*webrtc.DataChannel // by whether they are reliable
	opened   map[bool]bool
	local    []string // candidates that wait for the own description
	early    []string // candidates that wait for the remote description
	waiting  []payload
}

var api = newAPI()

func newAPI() *webrtc.API {
	settings := webrtc.SettingEngine{}
	// In the lab, the host of the peer has an interface.
	settings.SetIncludeLoopbackCandidate(os.Getenv("CLASP_E2E_NETWORK") != "lab")
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetICETimeouts(disconnectedAfter, failedAfter, keepAlive)
	settings.SetSCTPMaxMessageSize(messageLimit)
	return webrtc.NewAPI(webrtc.WithSettingEngine(settings))
}

func (c *Client) negotiate(r *remote, id string, ours bool) (*negotiation, error) {
	pc, err := api.NewPeerConnection(webrtc.Configuration{ICEServers: c.servers})
	if err != nil {
		return nil, err
	}
	n := &negotiation{
		client: c, remote: r, id: id, ours: ours, pc: pc, limit: unstatedLimit,
		channels: map[bool]*webrtc.DataChannel{}, opened: map[bool]bool{},
	}
	r.negotiations[id] = n
	pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if candidate != nil {
			n.locked(func() { n.localCandidate(candidate.ToJSON()) })
		}
	})
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateFailed || state == webrtc.PeerConnectionStateClosed {
			n.locked(func() { c.lost(n, n.lossReason()) })
		}
	})
	pc.OnDataChannel(func(channel *webrtc.DataChannel) { n.locked(func() { n.adopt(channel) }) })
	return n, nil
}

// locked calls a function with the client's mutex, unless the negotiation has ended.
func (n *negotiation) locked(act func()) {
	n.client.mutex.Lock()
	defer n.client.mutex.Unlock()
	if !n.ended {
		act()
	}
}

func (n *negotiation) lossReason() string {
	if n.remote.connection == n {
		return "the connection was lost: the peer or the path to it has failed"
	}
	return "ICE or DTLS failed: there is no path, or the certificate does not match the fingerprint"
}

// offer returns the SDP of an offer.
func (n *negotiation) offer() (string, error) {
	ordered, unordered, never := true, false, uint16(0)
	for label, options := range map[string]webrtc.DataChannelInit{
		reliableLabel:   {Ordered: &ordered},
		unreliableLabel: {Ordered: &unordered, MaxRetransmits: &never},
	} {
		channel, err := n.pc.CreateDataChannel(label, &options)
		if err != nil {
			return "", err
		}
		n.adopt(channel)
	}
	offer, err := n.pc.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	return offer.SDP, n.pc.SetLocalDescription(offer)
}

// answer returns the SDP of an answer to an offer.
func (n *negotiation) answer(sdp string) (string, error) {
	if err := n.describe(webrtc.SDPTypeOffer, sdp); err != nil {
		return "", err
	}
	answer, err := n.pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	return answer.SDP, n.pc.SetLocalDescription(answer)
}

func (n *negotiation) describe(kind webrtc.SDPType, sdp string) error {
	if found := statedLimit.FindStringSubmatch(sdp); found != nil {
		stated, err := strconv.Atoi(found[1])
		if n.limit = messageLimit; err == nil && stated > 0 {
			n.limit = min(stated, messageLimit)
		}
	}
	if err := n.pc.SetRemoteDescription(webrtc.SessionDescription{Type: kind, SDP: sdp}); err != nil {
		return err
	}
	n.described = true
	for _, candidate := range n.early {
		n.useCandidate(candidate)
	}
	n.early = nil
	return nil
}

func (n *negotiation) addCandidate(candidate string) {
	switch {
	case candidate == "":
	case n.described:
		n.useCandidate(candidate)
	default:
		n.early = append(n.early, candidate)
	}
}

// useCandidate ignores a candidate that cannot be used: others may be.
func (n *negotiation) useCandidate(candidate string) {
	index := uint16(0)
	_ = n.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: candidate, SDPMLineIndex: &index})
}

func (n *negotiation) localCandidate(init webrtc.ICECandidateInit) {
	text := candidateJSON(init)
	if n.published {
		n.client.signal(n.remote, n, map[string]any{"type": "ice_candidate", "candidate": text})
	} else {
		n.local = append(n.local, text)
	}
}

// publish sends the own description, and the candidates that waited for it.
func (n *negotiation) publish(kind, sdp string) {
	n.client.signal(n.remote, n, map[string]any{"type": kind, "sdp": sdp})
	n.published = true
	for _, text := range n.local {
		n.client.signal(n.remote, n, map[string]any{"type": "ice_candidate", "candidate": text})
	}
	n.local = nil
}

// adopt uses a channel for one of the two kinds of messages. The label is not needed: the settings say the kind.
func (n *negotiation) adopt(channel *webrtc.DataChannel) {
	reliable := channel.Ordered() && channel.MaxRetransmits() == nil && channel.MaxPacketLifeTime() == nil
	if n.channels[reliable] != nil {
		return
	}
	n.channels[reliable] = channel
	channel.OnOpen(func() {
		n.locked(func() {
			n.opened[reliable] = true
			if len(n.opened) == 2 && n.remote.connection != n {
				n.client.connected(n)
			}
		})
	})
	channel.OnMessage(func(m webrtc.DataChannelMessage) {
		n.locked(func() { n.client.received(n, payload{m.Data, reliable}) })
	})
	channel.OnClose(func() {
		n.locked(func() { n.client.lost(n, "the peer closed the connection, or it was lost") })
	})
}

// send sends a message, and returns why that was not possible, and whether the message is too large.
func (n *negotiation) send(p payload) (reason string, tooLarge bool) {
	channel := n.channels[p.reliable]
	if n.ended || channel == nil || channel.ReadyState() != webrtc.DataChannelStateOpen {
		return "the channel is not open", false
	}
	if len(p.data) > n.limit {
		return "a message to this peer has at most " + strconv.Itoa(n.limit) + " bytes", true
	}
	if err := channel.Send(p.data); err != nil {
		return err.Error(), false
	}
	return "", false
}

// drain waits until the peer has acknowledged all reliable data. It must be called without the mutex.
func (n *negotiation) drain(channel *webrtc.DataChannel) {
	acknowledged := make(chan struct{}, 1)
	channel.SetBufferedAmountLowThreshold(0)
	channel.OnBufferedAmountLow(func() {
		select {
		case acknowledged <- struct{}{}:
		default:
		}
	})
	if channel.BufferedAmount() == 0 {
		return
	}
	select {
	case <-acknowledged:
	case <-time.After(drainLimit):
	}
}

// end closes the peer connection; no callback acts any more.
func (n *negotiation) end() {
	if !n.ended {
		n.ended = true
		delete(n.remote.negotiations, n.id)
		// Closing may wait for callbacks, which wait for the mutex.
		go func() { _ = n.pc.Close() }()
	}
}
