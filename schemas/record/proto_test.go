package record_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

func compile(t *testing.T) protoreflect.FileDescriptor {
	t.Helper()
	c := protocompile.Compiler{Resolver: &protocompile.SourceResolver{}}
	files, err := c.Compile(t.Context(), "ntegral.proto")
	if err != nil {
		t.Fatalf("compile ntegral.proto: %v", err)
	}
	return files[0]
}

// fields is a message as the contract reads it: names to values, zero values
// left out, as proto3 does. Messages are fields, lists are []any.
type fields map[string]any

// of drops the zero values of f.
func of(f fields) fields {
	maps.DeleteFunc(f, func(_ string, v any) bool {
		switch v := v.(type) {
		case string:
			return v == ""
		case uint64:
			return v == 0
		case int64:
			return v == 0
		case bool:
			return !v
		case []byte:
			return len(v) == 0
		case []any:
			return len(v) == 0
		}
		return false
	})
	return f
}

func list[T any](vs []T, item func(T) any) []any {
	out := make([]any, len(vs))
	for i, v := range vs {
		out[i] = item(v)
	}
	return out
}

func plain[T any](v T) any { return v }

// read turns a dynamic message into fields.
func read(m protoreflect.Message) fields {
	out := fields{}
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !d.IsList() {
			out[string(d.Name())] = scalar(d, v)
			return true
		}
		items := make([]any, v.List().Len())
		for i := range items {
			items[i] = scalar(d, v.List().Get(i))
		}
		out[string(d.Name())] = items
		return true
	})
	return out
}

func scalar(d protoreflect.FieldDescriptor, v protoreflect.Value) any {
	switch d.Kind() {
	case protoreflect.MessageKind:
		return read(v.Message())
	case protoreflect.EnumKind:
		return uint64(v.Enum())
	case protoreflect.Int32Kind:
		return v.Int()
	case protoreflect.Uint32Kind:
		return v.Uint()
	}
	return v.Interface()
}

// codec is one message of the contract: draw returns a random one as our
// encoder writes it and as the contract should read it; decode reads bytes and
// encodes what it read again.
type codec struct {
	message string
	draw    func(r source) ([]byte, fields)
	decode  func(b []byte) ([]byte, error)
}

var codecs = []codec{
	{"Samples", drawSamples, recode(func(b []byte) (*record.SampleBatch, error) { return new(record.SamplesDecoder).Decode(b) }, (*record.SampleBatch).Append)},
	{"Seal", drawSeal, recode(record.DecodeSeal, func(v record.Seal, b []byte) []byte { return v.Append(b) })},
	{"Device", drawDevice, recode(record.DecodeDevice, func(v telemetry.Device, b []byte) []byte { return record.AppendDevice(b, &v) })},
	{"Placement", drawPlacement, recode(record.DecodePlacement, func(v telemetry.Placement, b []byte) []byte { return record.AppendPlacement(b, &v) })},
	{"Rate", drawRate, recode(record.DecodeRate, func(v telemetry.Rate, b []byte) []byte { return record.AppendRate(b, &v) })},
	{"Open", drawOpen, recode(record.DecodeOpen, func(v record.Open, b []byte) []byte { return v.Append(b) })},
	{"Commit", drawCommit, recode(record.DecodeCommit, func(v record.Commit, b []byte) []byte { return v.Append(b) })},
	{"Manifest", drawManifest, recode(record.DecodeManifest, func(v record.Manifest, b []byte) []byte { return v.Append(b) })},
	{"DeadLetter", drawDeadLetter, recode(record.DecodeDeadLetter, func(v record.DeadLetter, b []byte) []byte { return v.Append(b) })},
	{"ReplayProgress", drawProgress, recode(record.DecodeReplayProgress, func(v record.ReplayProgress, b []byte) []byte { return v.Append(b) })},
}

func recode[T any](decode func([]byte) (T, error), encode func(T, []byte) []byte) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		v, err := decode(b)
		if err != nil {
			return nil, err
		}
		return encode(v, nil), nil
	}
}

// TestCodecsFollowTheContract encodes random messages, reads them through
// ntegral.proto, compares field by field, writes them through ntegral.proto
// and reads that with our decoder. Every field of the contract must be met.
func TestCodecsFollowTheContract(t *testing.T) {
	file := compile(t)
	for _, c := range codecs {
		t.Run(c.message, func(t *testing.T) {
			d := file.Messages().ByName(protoreflect.Name(c.message))
			if d == nil {
				t.Fatal("not in ntegral.proto")
			}
			r := source{rand.New(rand.NewPCG(1, 2))}
			met := map[protoreflect.Name]bool{}
			for range 2000 {
				ours, want := c.draw(r)
				m := dynamicpb.NewMessage(d)
				if err := proto.Unmarshal(ours, m); err != nil {
					t.Fatalf("read our bytes by the contract: %v", err)
				}
				got := read(m)
				if diff := cmp.Diff(want, got); diff != "" || len(m.GetUnknown()) > 0 {
					t.Fatalf("the contract reads something else (-ours +contract), unknown %x:\n%s", m.GetUnknown(), diff)
				}
				for name := range got {
					met[protoreflect.Name(name)] = true
				}
				theirs, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				again, err := c.decode(theirs)
				if err != nil {
					t.Fatalf("decode what the contract wrote: %v", err)
				}
				if diff := cmp.Diff(ours, again); diff != "" {
					t.Fatalf("our decoder reads something else (-ours +theirs):\n%s", diff)
				}
			}
			for i := range d.Fields().Len() {
				if name := d.Fields().Get(i).Name(); !met[name] {
					t.Errorf("field %s was never written", name)
				}
			}
		})
	}
}

// TestEveryMessageHasACodec keeps the list above whole.
func TestEveryMessageHasACodec(t *testing.T) {
	parts := []string{"Axis", "Series"} // of Samples
	messages := compile(t).Messages()
	for i := range messages.Len() {
		name := string(messages.Get(i).Name())
		if !slices.Contains(parts, name) && !slices.ContainsFunc(codecs, func(c codec) bool { return c.message == name }) {
			t.Errorf("message %s of ntegral.proto is not tested", name)
		}
	}
}

// TestEnumsFollowTheContract holds names and numbers; the positions of the sums
// in a commit are an enum, too.
func TestEnumsFollowTheContract(t *testing.T) {
	columns := make([]string, len(fact.Columns))
	for i, c := range fact.Columns {
		columns[i] = c.Name
	}
	reasons := make([]string, telemetry.NumReasons)
	for i := range reasons {
		reasons[i] = telemetry.Reason(i).String()
	}
	unknown := func(names []string) []string { return append([]string{"unknown"}, names...) }
	file := compile(t)
	for name, want := range map[string][]string{
		"Metric": unknown(telemetry.MetricNames()), "Kind": unknown(telemetry.KindNames()), "Manager": unknown(telemetry.ManagerNames()),
		"Mode": unknown(telemetry.ModeNames()), "RateKind": unknown(telemetry.RateKindNames()), "Reason": reasons, "Column": columns,
	} {
		d := file.Enums().ByName(protoreflect.Name(name))
		if d == nil {
			t.Errorf("enum %s is not in ntegral.proto", name)
			continue
		}
		got := make([]string, d.Values().Len())
		for i := range got {
			v := d.Values().Get(i)
			if int(v.Number()) != i {
				t.Errorf("%s: %s = %d, want %d", name, v.Name(), v.Number(), i)
			}
			prefix := map[string]string{"RateKind": "RATE_KIND_"}[name]
			if prefix == "" {
				prefix = strings.ToUpper(name) + "_"
			}
			got[i] = strings.ToLower(strings.TrimPrefix(string(v.Name()), prefix))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("enum %s (-code +contract):\n%s", name, diff)
		}
	}
}
