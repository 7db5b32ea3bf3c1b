package main

import (
	"encoding/binary"
	"errors"
	"math"
)

// CLASP frames and messages, as far as a signaling client needs them.
//
// Source: "The wire and its conventions", docs/wire.md. Numbers are big-endian.

const (
	frameMagic   = 0x53
	frameFlags   = 0x41 // QoS confirm, binary encoding
	hasTimestamp = 0x20

	typeHello     = 0x01
	typeWelcome   = 0x02
	typeSubscribe = 0x10
	typePublish   = 0x20
	typeBundle    = 0x30
	typePing      = 0x41
	typePong      = 0x42

	publishEvent = 0x20 // the signal type in bits 7 to 5
	allTypes     = 0xff
	protocol     = 1
	features     = 0xe0 // param, event, stream

	maxDepth = 16
)

var errMalformed = errors.New("malformed message")

// message is a received message; of the others only the type is known.
type message struct {
	kind    byte
	session string // of a WELCOME
	address string // of a PUBLISH
	value   any    // of a PUBLISH: string, []byte, bool, int64, float64, []any, map[string]any or nil
}

// frame returns a message in a frame.
func frame(payload []byte) []byte {
	head := []byte{frameMagic, frameFlags, 0, 0}
	binary.BigEndian.PutUint16(head[2:], uint16(len(payload)))
	return append(head, payload...)
}

func hello(name, token string) []byte {
	payload := []byte{typeHello, protocol, features}
	return frame(appendString(appendString(payload, name), token))
}

func subscribe(id uint32, pattern string) []byte {
	payload := binary.BigEndian.AppendUint32([]byte{typeSubscribe}, id)
	return frame(append(appendString(payload, pattern), allTypes, 0))
}

func publish(address string, value map[string]any) []byte {
	payload := appendString([]byte{typePublish, publishEvent}, address)
	return frame(appendValue(append(payload, 1), value))
}

func pong() []byte { return frame([]byte{typePong}) }

func appendString(to []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint16(to, uint16(len(text))), text...)
}

func appendValue(to []byte, value any) []byte {
	switch value := value.(type) {
	case bool:
		if value {
			return append(to, 0x01, 1)
		}
		return append(to, 0x01, 0)
	case string:
		return appendString(append(to, 0x08), value)
	case []byte:
		to = binary.BigEndian.AppendUint16(append(to, 0x09), uint16(len(value)))
		return append(to, value...)
	case []string:
		to = binary.BigEndian.AppendUint16(append(to, 0x0a), uint16(len(value)))
		for _, each := range value {
			to = appendValue(to, each)
		}
		return to
	case map[string]any:
		to = binary.BigEndian.AppendUint16(append(to, 0x0b), uint16(len(value)))
		for key, each := range value {
			to = appendValue(appendString(to, key), each)
		}
		return to
	default:
		return append(to, 0x00)
	}
}

// messages returns the messages in a WebSocket message, those of bundles too.
func messages(data []byte) ([]message, error) {
	var found []message
	for len(data) > 0 {
		r := reader{data: data}
		if r.u8() != frameMagic {
			return found, errMalformed
		}
		flags := r.u8()
		length := int(r.u16())
		if flags&hasTimestamp != 0 {
			r.take(8)
		}
		payload := r.take(length)
		if r.failed {
			return found, errMalformed
		}
		inner, err := decode(payload, 0)
		if err != nil {
			return found, err
		}
		found = append(found, inner...)
		data = r.data
	}
	return found, nil
}

func decode(payload []byte, depth int) ([]message, error) {
	r := reader{data: payload}
	m := message{kind: r.u8()}
	switch m.kind {
	case typeWelcome:
		r.take(10) // version, features, time
		m.session = r.text()
	case typePublish:
		r.u8()
		m.address = r.text()
		if r.u8() == 1 {
			m.value = r.value(0)
		}
	case typeBundle:
		return bundle(&r, depth)
	}
	if r.failed {
		return nil, errMalformed
	}
	return []message{m}, nil
}

func bundle(r *reader, depth int) ([]message, error) {
	var found []message
	flags := r.u8()
	count := r.u16()
	if flags&0x80 != 0 {
		r.take(8)
	}
	for range count {
		inner := r.take(int(r.u16()))
		if r.failed || depth > maxDepth {
			return nil, errMalformed
		}
		decoded, err := decode(inner, depth+1)
		if err != nil {
			return nil, err
		}
		found = append(found, decoded...)
	}
	return found, nil
}

// reader reads the fields of a message; after the end of the data it has failed, and returns zeros.
type reader struct {
	data   []byte
	failed bool
}

func (r *reader) take(count int) []byte {
	if count > len(r.data) {
		r.failed = true
		r.data = nil
		return make([]byte, min(count, 8))
	}
	taken := r.data[:count]
	r.data = r.data[count:]
	return taken
}

func (r *reader) u8() byte     { return r.take(1)[0] }
func (r *reader) u16() uint16  { return binary.BigEndian.Uint16(r.take(2)) }
func (r *reader) text() string { return string(r.take(int(r.u16()))) }

func (r *reader) value(depth int) any {
	if depth > maxDepth {
		r.failed = true
	}
	if r.failed {
		return nil
	}
	switch kind := r.u8(); kind {
	case 0x00:
		return nil
	case 0x01:
		return r.u8() != 0
	case 0x02:
		return int64(int8(r.u8()))
	case 0x03:
		return int64(int16(r.u16()))
	case 0x04:
		return int64(int32(binary.BigEndian.Uint32(r.take(4))))
	case 0x05:
		return int64(binary.BigEndian.Uint64(r.take(8)))
	case 0x06:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(r.take(4))))
	case 0x07:
		return math.Float64frombits(binary.BigEndian.Uint64(r.take(8)))
	case 0x08:
		return r.text()
	case 0x09:
		return append([]byte{}, r.take(int(r.u16()))...)
	case 0x0a:
		items := []any{}
		for count := r.u16(); count > 0 && !r.failed; count-- {
			items = append(items, r.value(depth+1))
		}
		return items
	case 0x0b:
		fields := map[string]any{}
		for count := r.u16(); count > 0 && !r.failed; count-- {
			key := r.text()
			fields[key] = r.value(depth + 1)
		}
		return fields
	default:
		r.failed = true
		return nil
	}
}
