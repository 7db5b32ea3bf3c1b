// The driver protocol, version 1, around implementation.go. Nothing here needs to change.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

// Codes of JSON-RPC errors; errRefused marks an error of the implementation.
const (
	codeRefused        = 1000
	codeMethodNotFound = -32601
	codeInvalidParams  = -32602
	codeInternalError  = -32603
	codeInvalidRequest = -32600
	codeParseError     = -32700
)

// longestLine is the largest line of the protocol in bytes, and some room.
const longestLine = 1<<20 + 1024

// Refused is the error of a call that the implementation refused or failed, with its own words.
type Refused string

func (e Refused) Error() string { return string(e) }

type request struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params params          `json:"params"`
}

// params are the params of all methods.
type params struct {
	Protocol int     `json:"protocol"`
	Peer     string  `json:"peer"`
	URL      string  `json:"url"`
	Name     string  `json:"name"`
	Token    string  `json:"token"`
	P2P      *Config `json:"p2p"`
	Target   string  `json:"target"`
	Data     []byte  `json:"data"`
	Reliable bool    `json:"reliable"`
	Mode     string  `json:"mode"`
}

type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e failure) Error() string { return e.Message }

type object = map[string]any

// output writes one message a line.
type output struct {
	sync.Mutex
	file *os.File
}

func (o *output) send(message object) {
	message["jsonrpc"] = "2.0"
	line, err := json.Marshal(message)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	o.Lock()
	defer o.Unlock()
	// Whoever reads may be gone: then the end of standard input ends this process.
	_, _ = o.file.Write(append(line, '\n'))
}

// takeStandardOutput returns descriptor 1, and lets output of libraries go to standard error.
func takeStandardOutput() (*os.File, error) {
	descriptor, err := syscall.Dup(1)
	if err != nil {
		return nil, err
	}
	if err := syscall.Dup3(2, 1, 0); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(descriptor), "messages"), nil
}

type adapter struct {
	output *output
	mutex  sync.Mutex
	peers  map[string]*Client
}

func (a *adapter) peer(handle string) (*Client, error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if client, ok := a.peers[handle]; ok {
		return client, nil
	}
	return nil, failure{codeInvalidParams, "no peer " + handle + " is open"}
}

// open opens a peer. Its events may precede the answer.
func (a *adapter) open(p params) (any, error) {
	raise := func(event Event) {
		a.output.send(object{"method": "peer.event", "params": object{"peer": p.Peer, "event": event}})
	}
	client, err := Open(p.URL, p.Name, p.Token, p.P2P, raise)
	if err != nil {
		return nil, err
	}
	a.mutex.Lock()
	a.peers[p.Peer] = client
	a.mutex.Unlock()
	return object{"session_id": client.SessionID()}, nil
}

// start makes the call of a request, which begins before it returns, and returns a function that waits for its end.
func (a *adapter) start(r request) func() (any, error) {
	done := func(result any, err error) func() (any, error) { return func() (any, error) { return result, err } }
	switch r.Method {
	case "initialize":
		if r.Params.Protocol != 1 {
			return done(nil, failure{codeInvalidParams, fmt.Sprintf("protocol %d is not supported; 1 is", r.Params.Protocol)})
		}
		result := object{"protocol": 1}
		for key, value := range description {
			result[key] = value
		}
		return done(result, nil)
	case "shutdown":
		return done(object{}, nil)
	case "peer.open":
		return func() (any, error) { return a.open(r.Params) }
	}
	call, ok := calls[r.Method]
	if !ok {
		return done(nil, failure{codeMethodNotFound, r.Method + " is not offered"})
	}
	client, err := a.peer(r.Params.Peer)
	if err != nil {
		return done(nil, err)
	}
	return call(client, r.Params)
}

// calls are the calls of a peer: each begins at once, and returns a function that waits for its end.
var calls = map[string]func(*Client, params) func() (any, error){
	"peer.connect_to_peer": func(c *Client, p params) func() (any, error) {
		wait := c.ConnectToPeer(p.Target)
		return func() (any, error) { return object{}, wait() }
	},
	"peer.send_p2p": func(c *Client, p params) func() (any, error) {
		path, err := c.SendP2P(p.Target, p.Data, p.Reliable)
		return func() (any, error) { return object{"result": path}, err }
	},
	"peer.set_p2p_routing_mode": func(c *Client, p params) func() (any, error) {
		err := c.SetRoutingMode(p.Mode)
		return func() (any, error) { return object{}, err }
	},
	"peer.p2p_routing_mode": func(c *Client, _ params) func() (any, error) {
		mode := c.RoutingMode()
		return func() (any, error) { return object{"mode": mode}, nil }
	},
	"peer.is_peer_connected": func(c *Client, p params) func() (any, error) {
		connected := c.IsPeerConnected(p.Target)
		return func() (any, error) { return object{"connected": connected}, nil }
	},
	"peer.disconnect_peer": func(c *Client, p params) func() (any, error) {
		return func() (any, error) { return object{}, c.DisconnectPeer(p.Target) }
	},
	"peer.close": func(c *Client, _ params) func() (any, error) {
		return func() (any, error) { return object{}, c.Close() }
	},
}

func (a *adapter) answer(r request, result any, err error) {
	if err == nil {
		a.output.send(object{"id": r.ID, "result": result})
		return
	}
	answer := failure{codeInternalError, err.Error()}
	var refused Refused
	if errors.As(err, &refused) {
		answer = failure{codeRefused, string(refused)}
	} else {
		errors.As(err, &answer)
	}
	a.output.send(object{"id": r.ID, "error": answer})
}

func serve(input io.Reader, out *output) error {
	a := &adapter{output: out, peers: map[string]*Client{}}
	lines := bufio.NewScanner(input)
	lines.Buffer(make([]byte, 0, 1<<16), longestLine)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			out.send(object{"id": nil, "error": failure{codeParseError, err.Error()}})
			continue
		}
		if r.ID == nil {
			out.send(object{"id": nil, "error": failure{codeInvalidRequest, "a request without an id"}})
			continue
		}
		wait := a.start(r)
		if r.Method == "shutdown" {
			a.answer(r, object{}, nil)
			return nil
		}
		go func() {
			result, err := wait()
			a.answer(r, result, err)
		}()
	}
	return lines.Err()
}

func main() {
	file, err := takeStandardOutput()
	if err == nil {
		err = serve(os.Stdin, &output{file: file})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
