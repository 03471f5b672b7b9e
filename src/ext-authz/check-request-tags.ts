// Where in a CheckRequest the few things stand that are read. Knows the numbers, and reads nothing.

// Tags: field number and wire type of the fields that are read (proto/SOURCE.md). The same field number with another
// wire type is an unknown field, as protobuf asks.
export const CHECK_ATTRIBUTES = 0x0a; // CheckRequest.attributes = 1
export const ATTRIBUTES_SOURCE = 0x0a; // AttributeContext.source = 1
export const ATTRIBUTES_DESTINATION = 0x12; // = 2
export const ATTRIBUTES_REQUEST = 0x22; // AttributeContext.request = 4
export const ATTRIBUTES_CONTEXT_EXTENSIONS = 0x52; // = 10
export const ATTRIBUTES_METADATA = 0x5a; // = 11
export const ATTRIBUTES_ROUTE_METADATA = 0x6a; // = 13
export const PEER_ADDRESS = 0x0a; // Peer.address = 1
export const PEER_CERTIFICATE = 0x2a; // = 5
export const ADDRESS_SOCKET = 0x0a; // Address.socket_address = 1
export const SOCKET_PORT = 0x18; // SocketAddress.port_value = 3, a varint
export const REQUEST_HTTP = 0x12; // Request.http = 2
export const HTTP_METHOD = 0x12; // HttpRequest.method = 2
export const HTTP_HEADERS = 0x1a; // = 3, a map: entries of key = 1, value = 2
export const HTTP_PATH = 0x22; // = 4
export const HTTP_HOST = 0x2a; // = 5
export const HTTP_SCHEME = 0x32; // = 6
export const HTTP_HEADER_MAP = 0x6a; // = 13
export const HEADER_MAP_HEADERS = 0x0a; // HeaderMap.headers = 1
export const HEADER_KEY = 0x0a; // HeaderValue.key = 1, as in a map's entry
export const HEADER_VALUE = 0x12; // = 2, as in a map's entry
export const HEADER_RAW_VALUE = 0x1a; // = 3
