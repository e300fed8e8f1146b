module lbd/e2e

go 1.26.0

require lbd v0.0.0

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/gophercloud/gophercloud/v2 v2.15.0
	golang.org/x/sys v0.49.0
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12
)

require (
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
	software.sslmate.com/src/go-pkcs12 v0.7.4 // indirect
)

replace lbd => ../
