module github.com/ntegral/ntegral/grafana-plugin

go 1.26.0

replace github.com/ntegral/ntegral/schemas => ../schemas
