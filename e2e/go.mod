module lbd/e2e

go 1.26.0

require lbd v0.0.0

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/gophercloud/gophercloud/v2 v2.15.0
	golang.org/x/sys v0.49.0
)

require (
	golang.org/x/crypto v0.58.0 // indirect
	software.sslmate.com/src/go-pkcs12 v0.7.4 // indirect
)

replace lbd => ../
