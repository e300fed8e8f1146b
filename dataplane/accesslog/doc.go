// Package accesslog writes a line for each HTTP request and each TCP connection,
// without ever making traffic wait.
//
// Whoever serves fills an Entry and hands it to a Log, which formats it at once
// into a shard's buffer. A writer, the only goroutine, takes the buffers away and
// gives them to a sink: a file, standard output, syslog or an OTLP collector. A
// full buffer or a sink that does not keep up costs lines, which are counted.
package accesslog
