module github.com/ntegral/ntegral/loadtest

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0 // differences in tests
	github.com/spf13/cobra v1.10.2 // the command line
	go.uber.org/goleak v1.3.0 // goroutine leaks in tests
)

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
)

replace github.com/ntegral/ntegral/schemas => ../schemas
