# lbd: see `make` for the targets. Each is a line or two that works by hand too.
VERSION ?= 0.1.0-dev
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null)
DATE    ?= $(shell git log -1 --format=%cI 2>/dev/null)
LDFLAGS  = -s -w -X lbd/internal/buildinfo.version=$(VERSION) -X lbd/internal/buildinfo.commit=$(COMMIT) -X lbd/internal/buildinfo.date=$(DATE)
TOOL     = go tool -modfile=tools/go.mod
# Executions, not seconds: the end of a time limit is now and then reported as a failure of the target.
FUZZTIME ?= 10000x

.DEFAULT_GOAL := help
.PHONY: help build demo test lint unit race fuzz e2e soak calm changes bench-vips bench-failover bench-http bench-api docs-img cover clean tools-installed

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

build: ## build ./lbd: static, stripped
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o lbd .

demo: build ## run the whole story in namespaces; DEMO_EXIT=1 ends by itself
	@tools/install.sh iproute2:ip curl:curl
	./lbd demo $(if $(DEMO_EXIT),--exit)

test: tools-installed lint race fuzz e2e ## everything: lint, unit and race, short fuzz, end to end, browser

tools-installed:
	@tools/install.sh iproute2:ip curl:curl nftables:nft keepalived:keepalived chromium:chromium python3-openstackclient:openstack python3-octaviaclient: python3-neutronclient:neutron python3-barbicanclient: python3-keystone:keystone-manage octavia-tempest-plugin:

lint: ## gofumpt, vet, staticcheck
	@out=$$($(TOOL) gofumpt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go')); if [ -n "$$out" ]; then echo "not formatted (gofumpt -w):"; echo "$$out"; exit 1; fi
	go vet ./... && cd e2e && go vet ./...
	$(TOOL) staticcheck ./...

unit: ## unit and property tests
	go test ./...

# The browser tests come after the rest, alone and without the race detector: a
# starved browser says nothing about the code.
BROWSER = ./webui ./internal/testutil/cdp
# The model checks have one goroutine: the detector only makes them seven times slower.
MODELS  = ModelOf|ModelSees|NeverTwoOwners|WalksOf
# Leases and claims of some 100 ms are kept only where processors are left for them.
TIMED   = ./raft ./vrrp
race: ## the same under the race detector, then the model checks, 1,000 VIPs and the browser tests
	go test -race -timeout 15m $$(go list ./... | grep -v -e '/webui$$' -e '/cdp$$' -e '/raft$$' -e '/vrrp$$')
	go test -race -timeout 15m -p 1 -skip '$(MODELS)|TestThousandVIPs' $(TIMED)
	go test -timeout 5m -p 1 -run '$(MODELS)|TestMemberWithANewAddress|TestThousandVIPs' $(TIMED)
	go test -timeout 10m -p 1 $(BROWSER)

fuzz: ## each fuzz target for FUZZTIME (10000 executions)
	@tools/fuzz.sh $(FUZZTIME)

e2e: build ## real processes in namespaces, stock clients, browser
	cd e2e && LBD_BIN=$(CURDIR)/lbd go test -count=1 -parallel 3 -timeout 30m ./...

changes: build ## 1,000 configuration changes under load and an upload of 10 GiB: no request fails, memory stays
	cd e2e && LBD_BIN=$(CURDIR)/lbd LBD_CHANGES=1000 go test -count=1 -timeout 30m -v -run TestChangesUnderLoad .

bench-vips: ## how long 1,000 VIPs take to be claimed and released
	go test ./vrrp -count=8 -v -run TestThousandVIPs

bench-failover: build ## the failover laboratory on lbd beside keepalived (LAB=its folder; SETUPS, CONFS, FAULTS, RUNS, OUT)
	@tools/bench-failover.sh

soak: build ## histories of API calls under faults for SOAK (10m), checked for linearizability
	cd e2e && LBD_BIN=$(CURDIR)/lbd LBD_SOAK=$(or $(SOAK),10m) go test -count=1 -timeout 24h -v -run TestHistoriesAreLinearizable .

calm: build ## one processor hog per core and no fault for CALM (1h): the active node stays so (PROFILE: fast, default, calm)
	cd e2e && LBD_BIN=$(CURDIR)/lbd LBD_CALM=$(or $(CALM),1h) LBD_CALM_PROFILE=$(PROFILE) go test -count=1 -timeout 48h -v -run TestCalm .

bench-http: build ## lbd beside HAProxy and nginx (BENCH=folder of the benchmark)
	@tools/bench-http.sh

bench-api: build ## the API of a three-node cluster at size (LBD_BENCH_LBS, LBD_BENCH_MEMBERS, LBD_BENCH_OUT)
	cd e2e && LBD_BIN=$(CURDIR)/lbd LBD_BENCH_API=1 go test -count=1 -timeout 60m -v -run TestBenchAPI .

cover: ## coverage by package
	go test -cover ./...

clean:
	rm -rf lbd bin

docs-img: build ## pictures of a real cluster for the README
	cd e2e && LBD_BIN=$(CURDIR)/lbd LBD_SHOTS=$(CURDIR)/docs/img go test -count=1 -run TestUIOnARealCluster .
