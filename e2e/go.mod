module lbd/e2e

go 1.26.0

require lbd v0.0.0

require golang.org/x/sys v0.49.0

replace lbd => ../
