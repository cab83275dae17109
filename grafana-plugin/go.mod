module github.com/ntegral/ntegral/grafana-plugin

go 1.26.0

require github.com/ntegral/ntegral/schemas v0.0.0

replace github.com/ntegral/ntegral/schemas => ../schemas
