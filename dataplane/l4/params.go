package l4

const (
	// spliceTurn is the most one turn moves, in bytes.
	spliceTurn = 256 << 10

	// bulkRead is a read that makes a direction count as bulk: a full small buffer.
	bulkRead = 16 << 10

	// smallTurns in a row below smallTurn bytes make it small again: then one
	// read and one write are cheaper than two splices.
	smallTurn  = 4 << 10
	smallTurns = 4

	// maxConnects is how many members are tried for one connection.
	maxConnects = 3
)
