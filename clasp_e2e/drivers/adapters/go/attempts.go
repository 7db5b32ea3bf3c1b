package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"
)

// The attempts of a client, their outcome and their signals. All functions need the client's mutex, unless they take it.

func (c *Client) check(target string) error {
	switch {
	case !c.enabled:
		return Refused("P2P is not enabled on this client: give it a P2P configuration")
	case c.closed:
		return Refused("this client has been closed")
	case target == "":
		return Refused("a session id is not empty")
	case target == c.session.id:
		return Refused(target + " is this client's own session")
	}
	return nil
}

// begin starts or restarts the time of an attempt.
func (c *Client) begin(target string) *remote {
	r := c.remotes[target]
	if r == nil {
		r = &remote{session: target, negotiations: map[string]*negotiation{}}
		c.remotes[target] = r
	}
	if r.timer != nil {
		r.timer.Stop()
	}
	r.attempt++
	attempt := r.attempt
	r.timer = time.AfterFunc(c.timeout, func() {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		if r.attempt == attempt && len(r.negotiations) > 0 {
			c.fail(r, fmt.Sprintf("no connection within %v: no answer arrived, or there is no path", c.timeout))
		}
	})
	return r
}

// give gives an attempt up without an event.
func (c *Client) give(r *remote) {
	r.attempt++
	if r.timer != nil {
		r.timer.Stop()
	}
	for _, n := range r.negotiations {
		if n.published {
			c.signal(r, n, map[string]any{"type": "disconnected", "reason": "the attempt has failed"})
		}
		n.end()
	}
	if r.connection == nil {
		delete(c.remotes, r.session)
	}
}

// fail ends an attempt without success. While there is a connection, the failure raises no event.
func (c *Client) fail(r *remote, reason string) {
	c.give(r)
	if r.connection == nil {
		c.raise(Event{"type": "connection_failed", "peer_session_id": r.session, "reason": reason})
	}
}

func (c *Client) connected(n *negotiation) {
	r := n.remote
	if r.connection != nil {
		c.lost(r.connection, "replaced by a new connection to the same peer")
		c.remotes[r.session] = r
	}
	r.attempt++
	r.timer.Stop()
	r.connection = n
	delete(r.negotiations, n.id)
	for _, other := range r.negotiations {
		other.end()
	}
	c.raise(Event{"type": "connected", "peer_session_id": r.session})
	c.signal(r, n, map[string]any{"type": "connected"})
	for _, p := range n.waiting {
		c.received(n, p)
	}
	n.waiting = nil
}

func (c *Client) received(n *negotiation, p payload) {
	if n.remote.connection != n {
		// Only one channel is open yet: data must not be reported before Connected.
		n.waiting = append(n.waiting, p)
		return
	}
	c.raise(Event{"type": "data", "peer_session_id": n.remote.session, "data": p.data, "reliable": p.reliable})
}

// lost ends a negotiation that has failed, or the connection.
func (c *Client) lost(n *negotiation, reason string) {
	r := n.remote
	switch {
	case r.connection == n:
		r.connection = nil
		n.end()
		if len(r.negotiations) == 0 {
			delete(c.remotes, r.session)
		}
		c.raise(Event{"type": "disconnected", "peer_session_id": r.session, "reason": reason})
	case len(r.negotiations) > 1:
		n.end()
	default:
		c.fail(r, reason)
	}
}

func (c *Client) signal(r *remote, n *negotiation, fields map[string]any) {
	fields["from"] = c.session.id
	fields["correlation_id"] = n.id
	// Without a router nobody can be told.
	_ = c.session.send(publish(signalPrefix+r.session, fields))
}

// take handles a PUBLISH of the session s.
func (c *Client) take(s *session, m message) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if !c.enabled || s != c.session {
		return
	}
	switch {
	case m.address == announceAddress:
		if event, ok := readAnnouncement(m.value, s.id); ok {
			c.raise(event)
		}
	case strings.HasPrefix(m.address, relayPrefix):
		if event, ok := readRelayed(m.value); ok && !c.closed {
			c.raise(event)
		}
	case strings.HasPrefix(m.address, signalPrefix):
		if found, ok := readSignal(m.value); ok && !c.closed && found.from != s.id {
			c.signaled(found)
		}
	}
}

func (c *Client) signaled(s signal) {
	r := c.remotes[s.from]
	var n *negotiation
	if r != nil {
		if n = r.negotiations[s.id]; n == nil && r.connection != nil && r.connection.id == s.id {
			n = r.connection
		}
	}
	switch {
	case s.kind == "offer":
		if n == nil {
			c.offered(s, r)
		}
	case n == nil:
		if s.kind == "ice_candidate" {
			c.early = append(c.early, s)
			c.early = c.early[max(0, len(c.early)-earlyLimit):]
		}
	case s.kind == "answer":
		if n.ours && n.published && !n.answered {
			n.answered = true
			if err := n.describe(webrtc.SDPTypeAnswer, s.sdp); err != nil {
				c.lost(n, err.Error())
			}
		}
	case s.kind == "ice_candidate":
		n.addCandidate(s.candidate)
	case s.kind == "disconnected":
		c.lost(n, cmpOr(s.reason, "closed by the peer"))
	}
}

// offered answers an offer. Of two offers that cross, the one of the smaller session id is answered.
func (c *Client) offered(s signal, r *remote) {
	var own *negotiation
	if r != nil {
		for _, each := range r.negotiations {
			if each.ours && !each.answered {
				own = each
			}
		}
	}
	if own != nil && c.session.id < s.from {
		return
	}
	if own == nil {
		r = c.begin(s.from)
	}
	for _, each := range r.negotiations {
		if each != own { // The own offer may still be answered.
			each.end()
		}
	}
	n, err := c.negotiate(r, s.id, false)
	if err != nil {
		c.fail(r, err.Error())
		return
	}
	c.early = slices.DeleteFunc(c.early, func(each signal) bool {
		isOfOffer := each.from == s.from && each.id == s.id
		if isOfOffer {
			n.addCandidate(each.candidate)
		}
		return isOfOffer
	})
	sdp, err := n.answer(s.sdp)
	if err != nil {
		c.lost(n, err.Error())
		return
	}
	n.publish("answer", sdp)
}

// cmpOr returns text, or otherwise if it is empty.
func cmpOr(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
