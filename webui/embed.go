package webui

import "embed"

//go:embed static
var embedded embed.FS
