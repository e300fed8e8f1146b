package http1

// AppendChunk appends a chunk header for size bytes of data, which the caller
// sends behind it, followed by CRLF. size must be > 0: a chunk of 0 ends a body.
func AppendChunk(dst []byte, size int) []byte {
	const digits = "0123456789abcdef"
	shift := 0
	for size>>shift > 15 {
		shift += 4
	}
	for ; shift >= 0; shift -= 4 {
		dst = append(dst, digits[size>>shift&15])
	}
	return append(dst, '\r', '\n')
}

// AppendEnd appends the last chunk and a trailer section, as Chunked.Trailer gives it.
func AppendEnd(dst, trailer []byte) []byte {
	dst = append(dst, "0\r\n"...)
	return append(append(dst, trailer...), crlf...)
}

var crlf = []byte("\r\n")

// AppendData appends data as one whole chunk.
func AppendData(dst, data []byte) []byte {
	return append(append(AppendChunk(dst, len(data)), data...), crlf...)
}
