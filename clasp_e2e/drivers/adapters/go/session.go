package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	attachTimeout = 10 * time.Second
	writeTimeout  = 10 * time.Second
	closeTimeout  = 2 * time.Second
	retryInterval = 200 * time.Millisecond
	// largestMessage is larger than the largest frame, which has 65547 bytes.
	largestMessage = 1 << 20
)

// session is the session of a client with its router.
type session struct {
	id     string
	socket *websocket.Conn
	// writes serializes the writes, and guards lost.
	writes sync.Mutex
	lost   bool
}

// attach opens a session, and returns when the router has assigned its id. It fails after attachTimeout.
func attach(url, name, token string) (*session, error) {
	ctx, cancel := context.WithTimeout(context.Background(), attachTimeout)
	defer cancel()
	options := &websocket.DialOptions{Subprotocols: []string{"clasp"}}
	socket, _, err := websocket.Dial(ctx, url, options)
	if err != nil {
		return nil, err
	}
	socket.SetReadLimit(largestMessage)
	s := &session{socket: socket}
	if err := socket.Write(ctx, websocket.MessageBinary, hello(name, token)); err != nil {
		return nil, err
	}
	for s.id == "" {
		_, data, err := socket.Read(ctx)
		if err != nil {
			return nil, err
		}
		found, _ := messages(data)
		for _, each := range found {
			if each.kind == typeWelcome {
				s.id = each.session
			}
		}
	}
	return s, nil
}

// send writes frames; those of concurrent calls are not interleaved. It fails after writeTimeout, or if the
// session has ended.
func (s *session) send(frames ...[]byte) error {
	s.writes.Lock()
	defer s.writes.Unlock()
	if s.lost {
		return errors.New("the session with the router has ended")
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	for _, each := range frames {
		if err := s.socket.Write(ctx, websocket.MessageBinary, each); err != nil {
			return err
		}
	}
	return nil
}

// read runs until the session ends: it calls take with each PUBLISH, and answers PING. Messages that cannot be
// decoded are ignored.
func (s *session) read(take func(message)) {
	for {
		_, data, err := s.socket.Read(context.Background())
		if err != nil {
			s.writes.Lock()
			s.lost = true
			s.writes.Unlock()
			return
		}
		found, _ := messages(data)
		for _, each := range found {
			switch each.kind {
			case typePublish:
				take(each)
			case typePing:
				_ = s.send(pong())
			}
		}
	}
}

func (s *session) isLost() bool {
	s.writes.Lock()
	defer s.writes.Unlock()
	return s.lost
}

// close ends the session. A router that does not answer delays it by closeTimeout at most.
func (s *session) close() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.socket.Close(websocket.StatusNormalClosure, "")
	}()
	select {
	case <-ended:
	case <-time.After(closeTimeout):
		_ = s.socket.CloseNow()
	}
}
