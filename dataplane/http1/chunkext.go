package http1

// extState checks *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted ) ] ).
type extState uint8

const (
	extBefore    extState = iota // before ";"
	extName                      // behind ";", before the name
	extInName                    // in the name
	extAfterName                 // white space behind the name
	extValue                     // behind "=", before the value
	extInValue                   // in a token value
	extQuoted                    // in a quoted value
	extEscaped                   // behind "\" in a quoted value
	extAfter                     // behind a value
)

func (s *extState) take(b byte) bool {
	blank := b == ' ' || b == '\t'
	switch *s {
	case extBefore, extAfter:
		if b == ';' {
			*s = extName
			return true
		}
		return blank
	case extName:
		if blank {
			return true
		}
		*s = extInName
		return class[b]&cToken != 0
	case extInName, extAfterName:
		switch {
		case b == '=':
			*s = extValue
		case b == ';':
			*s = extName
		case blank:
			*s = extAfterName
		default:
			return *s == extInName && class[b]&cToken != 0
		}
		return true
	case extValue:
		switch {
		case blank:
		case b == '"':
			*s = extQuoted
		default:
			*s = extInValue
			return class[b]&cToken != 0
		}
		return true
	case extInValue:
		switch {
		case b == ';':
			*s = extName
		case blank:
			*s = extAfter
		default:
			return class[b]&cToken != 0
		}
		return true
	case extQuoted:
		switch b {
		case '"':
			*s = extAfter
		case '\\':
			*s = extEscaped
		default:
			return class[b]&cQuoted != 0
		}
		return true
	default: // extEscaped
		*s = extQuoted
		return class[b]&cValue != 0
	}
}

// complete reports whether the line may end here. White space with nothing
// behind it is refused: RFC 9112 section 7.1.1 allows it only before ";".
func (s extState) complete() bool {
	return s == extInName || s == extInValue || s == extAfter
}
