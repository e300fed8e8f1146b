package webui

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// each calls f for every embedded file, by its path below static/.
func each(t *testing.T, f func(name, text string)) {
	t.Helper()
	err := fs.WalkDir(embedded, "static", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(embedded, p)
		if err == nil {
			f(strings.TrimPrefix(p, "static/"), string(data))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func isScript(name string) bool { return path.Ext(name) == ".js" || path.Ext(name) == ".mjs" }

func TestVendorSums(t *testing.T) {
	doc, err := os.ReadFile("VENDOR.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| (\S+) \| \S+ \| \d+\.\d+\.\d+ \| [A-Za-z0-9.-]+ \| .* \| ([0-9a-f]{64}) \|$`)
	listed := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(doc), -1) {
		listed[m[1]] = m[2]
	}
	each(t, func(name, text string) {
		file, ok := strings.CutPrefix(name, "vendor/")
		if !ok {
			return
		}
		sum := sha256.Sum256([]byte(text))
		if got := hex.EncodeToString(sum[:]); got != listed[file] {
			t.Errorf("%s has sha256 %s, VENDOR.md says %q", file, got, listed[file])
		}
		delete(listed, file)
	})
	for file := range listed {
		t.Errorf("VENDOR.md lists %s, which is not there", file)
	}
}

func TestImportsResolve(t *testing.T) {
	have := map[string]bool{}
	each(t, func(name, _ string) { have[name] = true })
	imports := regexp.MustCompile(`(?:\}\s*from\s*|\w\s+from\s+|\bimport\s*\(?\s*)["']([^"']+)["']`)
	reached := map[string]bool{}
	each(t, func(name, text string) {
		if !isScript(name) {
			return
		}
		for _, m := range imports.FindAllStringSubmatch(text, -1) {
			target := m[1]
			if !strings.HasPrefix(target, "./") && !strings.HasPrefix(target, "../") {
				t.Errorf("%s imports %q: not a relative path", name, target)
				continue
			}
			resolved := path.Join(path.Dir(name), target)
			if !have[resolved] {
				t.Errorf("%s imports %s: no such file", name, target)
			}
			reached[resolved] = true
		}
	})
	for name := range have {
		if isScript(name) && !reached[name] && name != "start.js" {
			t.Errorf("%s is imported by nobody", name)
		}
	}
}

// TestNothingInline: the policy would refuse it in the browser, at run time and
// silently; here it fails with the line.
func TestNothingInline(t *testing.T) {
	bad := map[string]*regexp.Regexp{
		"inline script":        regexp.MustCompile(`<script(?:\s[^>]*)?>\s*[^<\s]`),
		"style element":        regexp.MustCompile(`(?i)<style\b`),
		"style attribute":      regexp.MustCompile(`\sstyle=["'$]`),
		"event attribute":      regexp.MustCompile(`\son[a-z]+=["']`),
		"HTML from text":       regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML`),
		"code from text":       regexp.MustCompile(`\beval\(|new Function\(`),
		"another origin":       regexp.MustCompile(`(?:src|href)=["']?(?:https?:)?//|url\(|@import`),
		"token kept for good":  regexp.MustCompile(`localStorage|document\.cookie`),
		"unbounded own timers": regexp.MustCompile(`setInterval\([^,]+,\s*0\)`),
	}
	each(t, func(name, text string) {
		if strings.HasPrefix(name, "vendor/") || path.Ext(name) == ".svg" {
			return
		}
		for i, line := range strings.Split(text, "\n") {
			for what, re := range bad {
				if re.MatchString(line) {
					t.Errorf("%s:%d: %s: %s", name, i+1, what, strings.TrimSpace(line))
				}
			}
		}
	})
}

func TestFilesAreSmall(t *testing.T) {
	each(t, func(name, text string) {
		if n := strings.Count(text, "\n"); n > 500 {
			t.Errorf("%s has %d lines; a file over 500 does two things", name, n)
		}
	})
}

func node(t *testing.T) string {
	t.Helper()
	p, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("SKIP %s: no node on this machine (Debian: apt-get install nodejs)", t.Name())
	}
	return p
}

func TestScriptsParse(t *testing.T) {
	bin := node(t)
	dir := t.TempDir()
	each(t, func(name, text string) {
		if !isScript(name) {
			return
		}
		// As .mjs: these are modules, whatever a node's default is.
		file := filepath.Join(dir, strings.ReplaceAll(strings.TrimSuffix(name, path.Ext(name)), "/", "_")+".mjs")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), bin, "--check", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	})
}

// TestPureModules runs testdata/pure.test.mjs: what needs no browser is tested without one.
func TestPureModules(t *testing.T) {
	bin := node(t)
	// The modules are .js without a package.json around them; node is told by one.
	dir := t.TempDir()
	each(t, func(name, text string) {
		file := filepath.Join(dir, "static", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	script, err := os.ReadFile("testdata/pure.test.mjs")
	if err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string]string{"pure.test.mjs": string(script), "package.json": `{"type":"module"}`} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), bin, "--test", filepath.Join(dir, "pure.test.mjs"))
	cmd.Env = append(os.Environ(), "TZ=UTC")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
