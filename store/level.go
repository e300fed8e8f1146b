package store

import "bytes"

// Level counts what the builds of lbd can read in the log: each adds the kinds of
// its own level to those before. A node that is handed an entry of a higher level
// than its own stops applying, so none is proposed before all can read it.
const Level = 4

// levels are the kinds that the first builds do not know.
var levels = map[CommandKind]int{
	NodeReplace: 2, SpreadPut: 2,
	GroupCreate: 2, GroupUpdate: 2, GroupDelete: 2, MembershipPut: 2, MembershipRemove: 2,
	SpreadNote: 3, AmphoraDismiss: 3, AmphoraRestore: 3,
	SecretMetadata: 4, DirectoryWrite: 4, NetworkQuotaUpdate: 4, NetworkQuotaReset: 4,
}

// LevelOf is the level that a node needs to apply entries of a kind, 1 at least;
// known is false for a kind that this build does not know.
func LevelOf(k CommandKind) (level int, known bool) {
	if _, known = payloads[k]; !known {
		return 0, false
	}
	return max(1, levels[k]), true
}

// PeekKind reads the kind of an encoded command and nothing else; empty when b is
// none that Encode could have made.
func PeekKind(b []byte) CommandKind {
	rest, ok := bytes.CutPrefix(b, []byte("\x01{\"kind\":\""))
	if !ok {
		return ""
	}
	kind, _, ok := bytes.Cut(rest, []byte(`"`))
	if !ok {
		return ""
	}
	return CommandKind(kind)
}
