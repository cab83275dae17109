module github.com/ntegral/ntegral/loadtest

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0 // differences in tests
	github.com/ntegral/ntegral/schemas v0.0.0
	github.com/spf13/cobra v1.10.2 // the command line
	go.uber.org/goleak v1.3.0 // goroutine leaks in tests
)

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/twmb/franz-go v1.22.2 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/ntegral/ntegral/schemas => ../schemas
