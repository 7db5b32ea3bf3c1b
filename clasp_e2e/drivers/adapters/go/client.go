// A CLASP client with peer-to-peer connections on pion.
//
// Source: the P2P page of the CLASP documentation; "The wire and its conventions", docs/wire.md.
// The build adds adapter.go of the Go template, which has main, object and Refused.
package main

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/pion/webrtc/v4"
)

const (
	defaultTimeout = 30 * time.Second
	// relayLimit is the largest relayed payload: a frame holds 65535 bytes, with address and sender.
	relayLimit = 65000
	// earlyLimit is the number of candidates without an offer that are kept.
	earlyLimit = 64
)

// Event is an event as the protocol describes it; []byte is encoded in base64.
type Event = object

// Config is the configuration of P2P; what is nil has its default.
type Config struct {
	ICEServers  []string `json:"ice_servers"`
	TURNServers []struct {
		URL        string `json:"url"`
		Username   string `json:"username"`
		Credential string `json:"credential"`
	} `json:"turn_servers"`
	ConnectionTimeoutSecs *int  `json:"connection_timeout_secs"`
	AutoFallback          *bool `json:"auto_fallback"`
}

// remote is another session with which there is a connection or an attempt. An attempt may consist of several
// negotiations; the first whose channels are open becomes the connection, and the others end.
type remote struct {
	session      string
	connection   *negotiation
	negotiations map[string]*negotiation // in progress, by correlation id
	timer        *time.Timer
	attempt      int // counts attempts, for timers that have fired already
}

// Client is a client of a router.
type Client struct {
	raise   func(Event)
	servers []webrtc.ICEServer
	timeout time.Duration
	relays  bool
	enabled bool

	mutex   sync.Mutex
	session *session
	mode    string
	remotes map[string]*remote
	early   []signal
	closed  bool
}

// Open attaches a client to the router; p2p is nil if P2P is not enabled. raise is called with each event.
func Open(url, name, token string, p2p *Config, raise func(Event)) (*Client, error) {
	c := &Client{
		raise: raise, timeout: defaultTimeout, relays: true, enabled: p2p != nil,
		mode: "prefer_p2p", remotes: map[string]*remote{},
	}
	if p2p != nil {
		c.configure(*p2p)
	}
	attachAgain := func() (*session, error) { return attach(url, name, token) }
	s, err := attachAgain()
	if err != nil {
		return nil, Refused(fmt.Sprintf("no session with the router at %s: %v", url, err))
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if err := c.use(s); err != nil {
		return nil, Refused(err.Error())
	}
	go c.stay(s, attachAgain)
	return c, nil
}

func (c *Client) configure(p2p Config) {
	for _, url := range p2p.ICEServers {
		c.servers = append(c.servers, webrtc.ICEServer{URLs: []string{url}})
	}
	for _, turn := range p2p.TURNServers {
		c.servers = append(c.servers, webrtc.ICEServer{
			URLs: []string{turn.URL}, Username: turn.Username, Credential: turn.Credential,
		})
	}
	if p2p.ConnectionTimeoutSecs != nil {
		c.timeout = time.Duration(*p2p.ConnectionTimeoutSecs) * time.Second
	}
	c.relays = p2p.AutoFallback == nil || *p2p.AutoFallback
}

// use makes s the session of the client: it subscribes and announces itself.
func (c *Client) use(s *session) error {
	c.session = s
	if !c.enabled {
		return nil
	}
	return s.send(
		subscribe(1, signalPrefix+s.id),
		subscribe(2, relayPrefix+s.id),
		subscribe(3, announceAddress),
		publish(announceAddress, map[string]any{
			"session_id": s.id, "p2p_capable": true, "features": []string{"webrtc", "reliable", "unreliable"},
		}),
	)
}

// stay reads from the session, and attaches again whenever it is lost, until the client is closed.
func (c *Client) stay(s *session, attachAgain func() (*session, error)) {
	for {
		s.read(func(m message) { c.take(s, m) })
		for {
			c.mutex.Lock()
			closed := c.closed
			c.mutex.Unlock()
			if closed {
				return
			}
			next, err := attachAgain()
			if err != nil {
				time.Sleep(retryInterval)
				continue
			}
			c.mutex.Lock()
			if c.closed {
				next.close()
			}
			err = c.use(next)
			c.mutex.Unlock()
			if err == nil {
				s = next
				break
			}
			time.Sleep(retryInterval)
		}
	}
}

// SessionID returns the session id from the router.
func (c *Client) SessionID() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.session.id
}

// ConnectToPeer begins an attempt, unless there is one or a connection. The offer is sent when it returns.
func (c *Client) ConnectToPeer(target string) func() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	err := c.check(target)
	if err == nil && c.remotes[target] == nil {
		err = c.connect(target)
	}
	return func() error { return err }
}

func (c *Client) connect(target string) error {
	if c.session.isLost() {
		return Refused("the session with the router has ended")
	}
	r := c.begin(target)
	// The id authenticates the peer's signals: it must not be guessable.
	n, err := c.negotiate(r, uuid.NewString(), true)
	var sdp string
	if err == nil {
		sdp, err = n.offer()
	}
	if err != nil {
		c.give(r)
		return Refused("no offer to " + target + ": " + err.Error())
	}
	n.publish("offer", sdp)
	return nil
}

// SendP2P sends data to a session, and returns the path, "p2p" or "relay".
func (c *Client) SendP2P(target string, data []byte, reliable bool) (string, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if err := c.check(target); err != nil {
		return "", err
	}
	if c.mode == "server_only" {
		return c.relay(target, data, reliable)
	}
	reason, tooLarge := "there is none", false
	if r := c.remotes[target]; r != nil && r.connection != nil {
		if reason, tooLarge = r.connection.send(payload{data, reliable}); reason == "" {
			return "p2p", nil
		}
	}
	switch {
	case tooLarge:
		return "", Refused(fmt.Sprintf("%d bytes: %s; send smaller pieces", len(data), reason))
	case c.mode == "p2p_only":
		return "", Refused("no direct connection to " + target + " (" + reason + "), and P2POnly allows no relay")
	case !c.relays:
		return "", Refused("no direct connection to " + target + " (" + reason + "), and auto_fallback is off")
	}
	return c.relay(target, data, reliable)
}

func (c *Client) relay(target string, data []byte, reliable bool) (string, error) {
	if len(data) > relayLimit {
		return "", Refused(fmt.Sprintf("%d bytes: a relayed message has at most %d; send smaller pieces", len(data), relayLimit))
	}
	value := map[string]any{"from": c.session.id, "data": data, "reliable": reliable}
	if err := c.session.send(publish(relayPrefix+target, value)); err != nil {
		return "", Refused("cannot relay: " + err.Error())
	}
	return "relay", nil
}

// SetRoutingMode sets the routing mode; it applies from the next send.
func (c *Client) SetRoutingMode(mode string) error {
	if !slices.Contains([]string{"prefer_p2p", "p2p_only", "server_only"}, mode) {
		return Refused(mode + " is not a routing mode")
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.mode = mode
	return nil
}

// RoutingMode returns the routing mode.
func (c *Client) RoutingMode() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.mode
}

// IsPeerConnected returns whether there is a direct connection to a session.
func (c *Client) IsPeerConnected(target string) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	r := c.remotes[target]
	return r != nil && r.connection != nil
}

// DisconnectPeer ends the connection to a session, or the attempt to reach it.
func (c *Client) DisconnectPeer(target string) error {
	c.mutex.Lock()
	err := c.check(target)
	c.mutex.Unlock()
	if err == nil {
		c.disconnect(target, "this client called disconnect_peer")
	}
	return err
}

func (c *Client) disconnect(target, reason string) {
	c.mutex.Lock()
	r := c.remotes[target]
	if r == nil || r.connection == nil {
		if r != nil {
			c.fail(r, reason)
		}
		c.mutex.Unlock()
		return
	}
	n := r.connection
	channel := n.channels[true]
	c.mutex.Unlock()
	n.drain(channel)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if r.connection == n {
		c.signal(r, n, map[string]any{"type": "disconnected", "reason": "closed by the peer"})
		c.lost(n, reason)
	}
}

// Close ends all connections, and then the session with the router.
func (c *Client) Close() error {
	c.mutex.Lock()
	if c.closed {
		c.mutex.Unlock()
		return nil
	}
	c.closed = true
	targets := make([]string, 0, len(c.remotes))
	for target := range c.remotes {
		targets = append(targets, target)
	}
	c.mutex.Unlock()
	var ending sync.WaitGroup
	for _, target := range targets {
		ending.Add(1)
		go func() {
			defer ending.Done()
			c.disconnect(target, "this client was closed")
		}()
	}
	ending.Wait()
	c.mutex.Lock()
	last := c.session
	c.mutex.Unlock()
	last.close()
	return nil
}

var description = object{
	"implementation": object{"name": "clasp-e2e go peer on pion " + pionVersion(), "version": "0.1.0", "language": "Go"},
	"roles":          []string{"peer"},
	"capabilities":   []string{"turn", "close", "disconnect_peer", "is_peer_connected", "announce", "reattach"},
	"processes":      "shared",
}
