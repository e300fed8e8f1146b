package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// cloudsFile is what `OS_CLOUD=lbd` of every OpenStack client reads; it holds
// the admin's password, so only its owner can read it.
const cloudsFile = "clouds.yaml"

// minPassword is the least length of a password that an operator chooses.
const minPassword = 8

// firstPassword is the admin's password for a new cluster: from the
// environment, from a file, or made up.
func (c *Config) firstPassword() (password string, generated bool, err error) {
	switch {
	case c.AdminPassword != "":
		password = c.AdminPassword
	case c.AdminPasswordFile != "":
		b, err := os.ReadFile(c.AdminPasswordFile)
		if err != nil {
			return "", false, fmt.Errorf("read admin password: %w", err)
		}
		password = strings.TrimRight(string(b), "\r\n")
	default:
		return rand.Text(), true, nil // 26 characters, 130 bits
	}
	if len(password) < minPassword {
		return "", false, fmt.Errorf("the admin password is shorter than %d characters", minPassword)
	}
	return password, false, nil
}

// existingPassword is the password that an interrupted first start already
// wrote down, or "".
func (c *Config) existingPassword() (string, error) {
	b, err := os.ReadFile(filepath.Join(c.DataDir, cloudsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var f cloudsDoc
	if err := yaml.Unmarshal(b, &f); err != nil {
		return "", fmt.Errorf("read %s: %w", cloudsFile, err)
	}
	return f.Clouds["lbd"].Auth.Password, nil
}

type cloudsDoc struct {
	Clouds map[string]cloud `yaml:"clouds"`
}

type cloud struct {
	Region   string    `yaml:"region_name"`
	Iface    string    `yaml:"interface"`
	Identity string    `yaml:"identity_api_version"`
	Auth     cloudAuth `yaml:"auth"`
}

type cloudAuth struct {
	URL           string `yaml:"auth_url"`
	User          string `yaml:"username"`
	Password      string `yaml:"password"`
	Project       string `yaml:"project_name"`
	UserDomain    string `yaml:"user_domain_name"`
	ProjectDomain string `yaml:"project_domain_name"`
}

// writeClouds writes DATA/clouds.yaml for clients on this machine.
func (c *Config) writeClouds(apiAddr, password string) error {
	doc := cloudsDoc{map[string]cloud{"lbd": {
		Region: "RegionOne", Iface: "public", Identity: "3",
		Auth: cloudAuth{
			URL: "http://" + localAddr(apiAddr) + "/identity/v3", User: "admin", Password: password,
			Project: "admin", UserDomain: "Default", ProjectDomain: "Default",
		},
	}}}
	b, err := yaml.Marshal(doc)
	if err != nil {
		return err
	}
	return writeSecret(filepath.Join(c.DataDir, cloudsFile), b)
}

// writeSecret replaces a file atomically, readable by its owner only.
func writeSecret(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

// localAddr is where a client on this machine reaches a listener at addr.
func localAddr(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
