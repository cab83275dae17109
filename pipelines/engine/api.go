package engine

import (
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Engine ... (being written)
type Engine struct{}

func New(cfg Config) *Engine                                             { panic("being written") }
func (e *Engine) ApplyRate(r *telemetry.Rate)                            {}
func (e *Engine) ApplyDevice(d *telemetry.Device)                        {}
func (e *Engine) ApplyPlacement(p *telemetry.Placement)                  {}
func (e *Engine) ApplySamples(b *record.SampleBatch)                     {}
func (e *Engine) ApplySeal(s record.Seal)                                {}
func (e *Engine) EndStep() *Result                                       { return nil }
func (e *Engine) SkipStep()                                              {}
func (e *Engine) Snapshot(chunkBytes int, emit func([]byte) error) error { return nil }
func Restore(cfg Config, next func() ([]byte, error)) (*Engine, error)   { return nil, nil }

