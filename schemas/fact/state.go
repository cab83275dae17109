package fact

// States of an accelerator's presence: what the holder's piece was in. They
// partition its time; docs/methodology.md, "States", says which applies.
const (
	StateDark                = "dark"                  // no telemetry
	StateUnallocated         = "unallocated"           // held by nobody
	StateFault               = "fault"                 // it reported errors, or its readings contradict each other
	StateAllocatedIdle       = "allocated_idle"        // held and not used
	StateHeldBetweenRequests = "held_between_requests" // not used, by a server that waits for requests
	StateThrottled           = "throttled"             // used, and slowed down by power or heat
	StateUnderused           = "underused"             // used a little
	StateActive              = "active"                // used, or nothing speaks against it
)
