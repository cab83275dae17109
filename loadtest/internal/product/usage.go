package product

// UsageOf reads the use of any process by its number.
func UsageOf(name string, pid int) (Usage, error) {
	return usage(Process{Name: name, PID: pid})
}
