// Replace this stub, which returns what is sent to it, by calls of your implementation.
//
// Each method is one call of your implementation: it does not wait, retry, repair or fill in defaults.
// If your implementation returns an error, return Refused with its message.
package main

import "sync"

var description = object{
	// Remove "stub" when the methods below call your implementation.
	"implementation": object{"name": "my implementation", "version": "0.1.0", "language": "Go", "stub": true},
	"roles":          []string{"peer"},
	// Its optional calls and features: turn, close, disconnect_peer, is_peer_connected, announce, reattach.
	"capabilities": []string{"close", "is_peer_connected"},
	"processes":    "per_peer",
}

// Config is the configuration of P2P. Use your own defaults for what is nil.
type Config struct {
	ICEServers  []string `json:"ice_servers"`
	TURNServers []struct {
		URL        string `json:"url"`
		Username   string `json:"username"`
		Credential string `json:"credential"`
	} `json:"turn_servers"`
	ConnectionTimeoutSecs *int  `json:"connection_timeout_secs"`
	MaxRetries            *int  `json:"max_retries"`
	AutoFallback          *bool `json:"auto_fallback"`
}

// Event is an event as the protocol describes it; []byte is encoded in base64.
type Event = object

// Client is a client.
type Client struct {
	raise     func(Event)
	mutex     sync.Mutex
	mode      string
	connected map[string]bool
}

// Open attaches a client to the router; p2p is nil if P2P is not enabled. raise can be called at any time.
func Open(url, name, token string, p2p *Config, raise func(Event)) (*Client, error) {
	return &Client{raise: raise, mode: "prefer_p2p", connected: map[string]bool{}}, nil
}

// SessionID returns the session id from the router.
func (c *Client) SessionID() string { return "stub-session" }

// ConnectToPeer starts the call, and returns a function that waits until your own call has returned.
// Report its outcome as an event.
func (c *Client) ConnectToPeer(target string) func() error {
	c.mutex.Lock()
	c.connected[target] = true
	c.mutex.Unlock()
	c.raise(Event{"type": "connected", "peer_session_id": target})
	return func() error { return nil }
}

// SendP2P returns the path that your own call reports, "p2p" or "relay".
func (c *Client) SendP2P(target string, data []byte, reliable bool) (string, error) {
	c.raise(Event{"type": "data", "peer_session_id": target, "data": data, "reliable": reliable})
	if c.IsPeerConnected(target) {
		return "p2p", nil
	}
	return "relay", nil
}

// SetRoutingMode sets "prefer_p2p", "p2p_only" or "server_only".
func (c *Client) SetRoutingMode(mode string) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.mode = mode
	return nil
}

// RoutingMode returns the current mode.
func (c *Client) RoutingMode() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.mode
}

// IsPeerConnected returns whether a direct connection is established.
func (c *Client) IsPeerConnected(target string) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.connected[target]
}

// DisconnectPeer ends a connection. Declare the capability disconnect_peer if you have this call.
func (c *Client) DisconnectPeer(target string) error { return Refused("the stub ends no connection") }

// Close closes the client.
func (c *Client) Close() error { return nil }
