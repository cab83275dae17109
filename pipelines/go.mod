module github.com/ntegral/ntegral/pipelines

go 1.26.0

require github.com/ntegral/ntegral/schemas v0.0.0

require (
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/rogpeppe/go-internal v1.16.0 // indirect
)

replace github.com/ntegral/ntegral/schemas => ../schemas
