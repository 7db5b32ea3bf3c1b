-- Wireshark dissector for CLASP frames in WebSocket messages, and for SCTP in DTLS.
--
-- Use: tshark -X lua_script:"$(clasp-e2e dissector)" -r FILE.pcapng
-- Source: "The wire and its conventions" (docs/wire.md); RFC 8261 (SCTP over DTLS).

local clasp = Proto("clasp", "CLASP")

local TYPES = {
  [0x01] = "HELLO", [0x02] = "WELCOME", [0x03] = "ANNOUNCE", [0x04] = "FEDERATION_SYNC", [0x10] = "SUBSCRIBE",
  [0x11] = "UNSUBSCRIBE", [0x20] = "PUBLISH", [0x21] = "SET", [0x22] = "GET", [0x23] = "SNAPSHOT", [0x24] = "REPLAY",
  [0x30] = "BUNDLE", [0x40] = "SYNC", [0x41] = "PING", [0x42] = "PONG", [0x50] = "ACK", [0x51] = "ERROR",
  [0x60] = "QUERY", [0x61] = "RESULT",
}
local QOS = { [0] = "fire", [1] = "confirm", [2] = "commit" }

local fields = {
  magic = ProtoField.uint8("clasp.magic", "Magic", base.HEX),
  qos = ProtoField.uint8("clasp.qos", "QoS", base.DEC, QOS, 0xc0),
  length = ProtoField.uint16("clasp.length", "Length"),
  timestamp = ProtoField.uint64("clasp.timestamp", "Timestamp (µs)"),
  type = ProtoField.uint8("clasp.type", "Message", base.HEX, TYPES),
  address = ProtoField.string("clasp.address", "Address"),
  text = ProtoField.string("clasp.text", "Text"),
  key = ProtoField.string("clasp.key", "Key"),
  string = ProtoField.string("clasp.string", "String"),
  bytes = ProtoField.bytes("clasp.bytes", "Bytes"),
  number = ProtoField.string("clasp.number", "Number"),
  code = ProtoField.uint16("clasp.code", "Error code"),
  rest = ProtoField.bytes("clasp.rest", "Further fields"),
}
clasp.fields = fields

-- Add the string at `at` as `field`; return its text and the offset behind it, or nothing if it is cut short.
local function add_string(tree, field, buffer, at)
  if at + 2 > buffer:len() then return nil end
  local length = buffer(at, 2):uint()
  if at + 2 + length > buffer:len() then return nil end
  local range = length > 0 and buffer(at + 2, length) or nil
  local text = range and range:string(ENC_UTF_8) or ""
  tree:add(field, range or buffer(at, 2), text)
  return text, at + 2 + length
end

local WIDTHS = { [0x00] = 0, [0x01] = 1, [0x02] = 1, [0x03] = 2, [0x04] = 4, [0x05] = 8, [0x06] = 4, [0x07] = 8 }

local function number_of(kind, range)
  if kind == 0x01 then return range:uint() ~= 0 and "true" or "false" end
  if kind >= 0x06 then return tostring(range:float()) end
  return kind == 0x05 and tostring(range:int64()) or tostring(range:int())
end

-- Add the value at `at`; return the offset behind it, or nothing if it cannot be read.
local function add_value(tree, buffer, at, depth)
  if at >= buffer:len() or depth > 32 then return nil end
  local kind = buffer(at, 1):uint()
  at = at + 1
  if kind == 0x08 then
    local _, behind = add_string(tree, fields.string, buffer, at)
    return behind
  end
  if WIDTHS[kind] then
    local width = WIDTHS[kind]
    if at + width > buffer:len() then return nil end
    if width > 0 then tree:add(fields.number, buffer(at, width), number_of(kind, buffer(at, width))) end
    return at + width
  end
  if at + 2 > buffer:len() then return nil end
  local count = buffer(at, 2):uint()
  at = at + 2
  if kind == 0x09 then
    if at + count > buffer:len() then return nil end
    if count > 0 then tree:add(fields.bytes, buffer(at, count)) end
    return at + count
  end
  if kind ~= 0x0a and kind ~= 0x0b then return nil end
  for _ = 1, count do
    local branch = tree
    if kind == 0x0b then
      local key
      local begin = at
      key, at = add_string(tree, fields.key, buffer, at)
      if not key then return nil end
      branch = tree:add(buffer(begin), key)
    end
    at = add_value(branch, buffer, at, depth + 1)
    if not at then return nil end
  end
  return at
end

-- Add the fields of a message; return a summary.
local function add_message(tree, buffer)
  local kind = buffer(0, 1):uint()
  local name = TYPES[kind]
  tree:add(fields.type, buffer(0, 1))
  if not name then return "unknown message" end
  local at = 1
  local text
  if name == "HELLO" then
    text, at = add_string(tree, fields.text, buffer, 3)
  elseif name == "WELCOME" then
    text, at = add_string(tree, fields.text, buffer, 11)
  elseif name == "SUBSCRIBE" then
    text, at = add_string(tree, fields.address, buffer, 5)
  elseif name == "PUBLISH" or name == "SET" then
    text, at = add_string(tree, fields.address, buffer, 2)
    if at and name == "PUBLISH" then
      local indicator = buffer(at, 1):uint()
      at = at + 1
      if indicator == 1 then at = add_value(tree, buffer, at, 0) end
    end
  elseif name == "GET" then
    text, at = add_string(tree, fields.address, buffer, 1)
  elseif name == "ERROR" and buffer:len() >= 3 then
    tree:add(fields.code, buffer(1, 2))
    text, at = add_string(tree, fields.text, buffer, 3)
    text = buffer(1, 2):uint() .. " " .. (text or "")
  end
  if at and at < buffer:len() then tree:add(fields.rest, buffer(at)) end
  return text and name .. " " .. text or name
end

function clasp.dissector(buffer, pinfo, tree)
  local at = 0
  local summaries = {}
  while at + 4 <= buffer:len() and buffer(at, 1):uint() == 0x53 do
    local flags = buffer(at + 1, 1):uint()
    local length = buffer(at + 2, 2):uint()
    local head = bit.band(flags, 0x20) ~= 0 and 12 or 4
    if at + head + length > buffer:len() then break end
    local branch = tree:add(clasp, buffer(at, head + length))
    branch:add(fields.magic, buffer(at, 1))
    branch:add(fields.qos, buffer(at + 1, 1))
    branch:add(fields.length, buffer(at + 2, 2))
    if head == 12 then branch:add(fields.timestamp, buffer(at + 4, 8)) end
    if length > 0 then
      local summary = add_message(branch, buffer(at + head, length):tvb())
      branch:append_text(", " .. summary)
      summaries[#summaries + 1] = summary
    end
    at = at + head + length
  end
  if at == 0 then return 0 end
  local summary = table.concat(summaries, "; ")
  if tostring(pinfo.cols.protocol) == "CLASP" then
    pinfo.cols.info:append("; " .. summary)
  else
    pinfo.cols.protocol = "CLASP"
    pinfo.cols.info = summary
  end
  return at
end

local function is_clasp(buffer, pinfo, tree)
  if buffer:len() < 4 or buffer(0, 1):uint() ~= 0x53 then return false end
  clasp.dissector(buffer, pinfo, tree)
  return true
end

-- The subprotocol of most implementations; others are recognized by the magic byte.
DissectorTable.get("ws.protocol"):add("clasp", clasp)
clasp:register_heuristic("ws", is_clasp)

-- SCTP packets are the application data of DTLS (RFC 8261).
local sctp_in_dtls = Proto("sctp_in_dtls", "SCTP in DTLS")
local sctp = Dissector.get("sctp")

local function is_sctp(buffer, pinfo, tree)
  if buffer:len() < 16 or buffer(0, 2):uint() == 0 then return false end
  sctp:call(buffer, pinfo, tree)
  return true
end

sctp_in_dtls:register_heuristic("dtls", is_sctp)
