package replay_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/schemas/replay"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

func TestWarnOfCurrencies(t *testing.T) {
	rate := func(k telemetry.RateKind, key, currency string, from, to int64) telemetry.Rate {
		return telemetry.Rate{Kind: k, Key: key, Currency: currency, From: from, To: to}
	}
	always := func(k telemetry.RateKind, key, currency string) telemetry.Rate {
		return rate(k, key, currency, telemetry.MinTime, telemetry.MaxTime)
	}
	const device, instance, tariff = telemetry.RateDevicePrice, telemetry.RateInstancePrice, telemetry.RateElectricity
	for _, tc := range []struct {
		name  string
		rates []telemetry.Rate
		want  []string
	}{
		{"none", nil, nil},
		{"one", []telemetry.Rate{always(device, "H100", "EUR"), always(tariff, "", "EUR")}, nil},
		{"price and tariff", []telemetry.Rate{always(device, "H100", "EUR"), always(tariff, "c1", "USD")}, []string{
			`f: warning: costs are in EUR by device_price "H100", USD by electricity "c1": want one currency a node; they are kept apart, never added: node "n1"`,
		}},
		{"a tariff in between", []telemetry.Rate{always(tariff, "", "EUR"), rate(tariff, "r1", "USD", 12, 13)}, []string{
			`f: warning: costs are in USD by electricity "r1", EUR by electricity "": want one currency a node; they are kept apart, never added: node "n1"`,
		}},
		{"a more specific key hides it", []telemetry.Rate{always(device, "H100", "USD"), always(device, "H100@r1", "EUR"), always(tariff, "c1", "EUR")}, nil},
		{"an instance's price hides it", []telemetry.Rate{always(device, "H100", "USD"), always(instance, "i8", "EUR")}, nil},
		{"at another time", []telemetry.Rate{always(tariff, "", "EUR"), rate(tariff, "r1", "USD", 20, 30)}, nil},
		{"elsewhere", []telemetry.Rate{always(tariff, "", "EUR"), always(tariff, "c2", "USD")}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			replay.WarnOfCurrencies(tc.rates, testEstate(), []replay.Span{{Node: "n1", From: 10, To: 20}}, func(f replay.Fault) {
				f.File = "f"
				got = append(got, f.String())
			})
			if diff := cmp.Diff(got, tc.want); diff != "" {
				t.Errorf("warnings (-got +want):\n%s", diff)
			}
		})
	}
}

func TestWarnOfDisorder(t *testing.T) {
	const head = "time,node,device,metric,value\n"
	for _, tc := range []struct {
		name string
		rows string
		want []string
	}{
		{"in order", "1789477200000,n1,g0,power_watts,1\n1789480800000,n1,g0,power_watts,1\n", nil},
		{"just in time", "1789478130000,n1,g0,power_watts,1\n1789477200000,n1,g0,power_watts,1\n", nil},
		{"another node", "1789480800000,n1,g0,power_watts,1\n1789477200000,n2,,power_watts,1\n", nil},
		{"too far", "1789478130001,n1,g0,power_watts,1\n1789477200000,n1,g0,power_watts,1\n1789477200000,n1,g1,power_watts,1\n", []string{
			`samples.csv:3: warning: readings of node "n1" stand more than 15m30s behind newer ones: 2 of them, from this line on; want its rows roughly in the order of time, or they may be refused as late`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			s := replay.NewSamples(replay.Source{File: "samples.csv", Reader: strings.NewReader(head + tc.rows), Report: func(f replay.Fault) { got = append(got, f.String()) }},
				testEstate(), replay.Bounds{TakenIn: takenIn, MaxSkew: 300_000_000_000})
			for s.Next() { //nolint:revive // reads all
			}
			s.WarnOfDisorder(func(f replay.Fault) { got = append(got, f.String()) })
			if diff := cmp.Diff(got, tc.want); diff != "" {
				t.Errorf("warnings (-got +want):\n%s", diff)
			}
		})
	}
}
