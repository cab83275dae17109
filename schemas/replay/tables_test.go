package replay_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/schemas/replay"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// What each fault of these files says is held by the archives in testdata of
// the service that reads directories; here is what the rows become.

func source(text string, faults *[]string) replay.Source {
	return replay.Source{File: "f.csv", Reader: strings.NewReader(text), Report: func(f replay.Fault) { *faults = append(*faults, f.String()) }}
}

// TestParentsInCircles: who is in a circle has no parent, who only points into one has.
func TestParentsInCircles(t *testing.T) {
	for _, tc := range []struct {
		name, rows string
		want       []string // who keeps a parent
	}{
		{"a circle of two", "n,sw0,network,,sw1\nn,sw1,network,,sw0\n", nil},
		{"its own parent", "n,sw0,network,,sw0\n", nil},
		{"the node in a circle of others that do not belong to it", "n,,wall,,sw0\nn,sw0,network,,cpu0\nn,cpu0,cpu,,sw0\n", []string{""}},
		{"the node in a circle of others, one of which belongs to it", "n,,wall,,cpu0\nn,sw0,network,,cpu0\nn,cpu0,cpu,,sw0\n", nil},
		{"a card in a circle of others", "n,g,gpu,,sw0\nn,sw0,network,,sw1\nn,sw1,network,,sw0\n", []string{"g"}},
		{"the node in what belongs to it", "n,,wall,,sw0\nn,sw0,network,,cpu0\nn,cpu0,cpu,,\n", []string{"sw0"}},
		{"a meter in an instance", "n,g,gpu,,\nn,m,mig,1g.10gb,g\nn,cpu0,cpu,,m\n", []string{"cpu0", "m"}},
	} {
		var faults, got []string
		text := "node,device,kind,model,parent,provider,region,zone,instance_type,cluster,tenant\n" + strings.ReplaceAll("n,,wall,,\n"+tc.rows, "\n", ",,,,,,\n")
		for _, r := range replay.ReadInventory(source(text, &faults), replay.NewEstate()) {
			if r.Parent != "" {
				got = append(got, r.ID)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q keep their parents, want %q; faults %q", tc.name, got, tc.want, faults)
		}
	}
}

func TestReadInventory(t *testing.T) {
	var faults []string
	estate := replay.NewEstate()
	rows := replay.ReadInventory(source("node,device,kind,model,parent,provider,region,zone,instance_type,cluster,tenant\n"+
		"n1,,wall,DGX,,onprem,r1,z1,dgx,c1,t1\nn1,g0,gpu,H100,,,,,,,\nn1,m0,mig,1g.10gb,g0,,,,,,\nn1,g1,gpu,H100,nowhere,,,,,,\nn1,g0,gpu,H200,,,,,,,\n", &faults), estate)
	want := []telemetry.Device{
		{Node: "n1", Kind: telemetry.KindWall, Model: "DGX", Provider: "onprem", Region: "r1", Zone: "z1", InstanceType: "dgx", Cluster: "c1", Tenant: "t1"},
		{Node: "n1", ID: "g0", Kind: telemetry.KindGPU, Model: "H200"},
		{Node: "n1", ID: "m0", Kind: telemetry.KindMIG, Model: "1g.10gb", Parent: "g0"},
		{Node: "n1", ID: "g1", Kind: telemetry.KindGPU, Model: "H100"},
	}
	var got []telemetry.Device
	for _, r := range rows {
		got = append(got, r.Device)
		if d, ok := estate.Device(r.Node, r.ID); !ok || d != r.Device {
			t.Errorf("estate has %v, want %v", d, r.Device)
		}
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("devices (-got +want):\n%s", diff)
	}
	if len(faults) != 2 {
		t.Errorf("faults %q, want that of a parent and the warning of a second row", faults)
	}
	if got, want := estate.Accelerators("n1"), []string{"g0", "g1"}; cmp.Diff(got, want) != "" {
		t.Errorf("accelerators %q, want %q", got, want)
	}
	if !estate.Partitioned("n1", "g0") || estate.Partitioned("n1", "g1") {
		t.Error("want instances on g0 and none on g1")
	}
}

func TestWarnOfProfilesWithoutSlices(t *testing.T) {
	var faults []string
	inventory := "node,device,kind,model,parent,provider,region,zone,instance_type,cluster,tenant\nn1,,wall,,,,,,,,\nn1,g0,gpu,A100,,,,,,,\n"
	for i, profile := range []string{"3g.40gb", "1g.10gb+me", "1c.2g.10gb", "", "0g.1gb", "300g.40gb"} {
		inventory += fmt.Sprintf("n1,m%d,mig,%s,g0,,,,,,\n", i, profile)
	}
	if rows := replay.ReadInventory(source(inventory, &faults), replay.NewEstate()); len(rows) != 8 {
		t.Errorf("%d rows, want 8: a warning leaves nothing out", len(rows))
	}
	for i, of := range []string{"m2", "m3", "m4", "m5"} {
		if len(faults) != 4 || !strings.Contains(faults[i], `warning: model `) || !strings.Contains(faults[i], `of the instance "`+of+`" names no slices`) {
			t.Fatalf("faults %q, want a warning of %s at %d, of 4", faults, of, i)
		}
	}
}

func TestReadPlacements(t *testing.T) {
	var faults []string
	rows := replay.ReadPlacements(source("id,manager,cluster,workload,kind,tenant,team,node,devices,mode,share,start,end,labels\n"+
		"a,k8s,c1,w,inference,te,tm,n1,g0;c0,whole,0.5,1789477200000,1789480800000,\"{\"\"x\"\":1}\"\n"+
		"b,vm,c1,w,,,,n1,*,whole,,2026-09-15T13:00:00Z,,\n"+
		"c,,c1,w,,,,n1,m0,mig,,2026-09-15T13:00:00Z,,\n"+
		"d,host,c1,w,,,,n1,,whole,,2026-09-15T13:00:00Z,,\n"+
		"a,k8s,c1,w,,,,n2,*,mps,1e-3,1789477200000,,\n", &faults), testEstate(), 1_800_000_000_000_000_000)
	const start, end = 1_789_477_200_000_000_000, 1_789_480_800_000_000_000
	want := []telemetry.Placement{
		{ID: "a", Node: "n1", Manager: telemetry.ManagerKubernetes, Cluster: "c1", Workload: "w", Kind: "inference", Tenant: "te", Team: "tm", Devices: []string{"g0", "c0"}, Mode: telemetry.ModeWhole, Share: "0.5", Start: start, End: end, Labels: `{"x":1}`},
		{ID: "b", Node: "n1", Manager: telemetry.ManagerVM, Cluster: "c1", Workload: "w", Devices: []string{"*"}, Mode: telemetry.ModeWhole, Start: start, End: telemetry.MaxTime},
		{ID: "c", Node: "n1", Cluster: "c1", Workload: "w", Devices: []string{"m0"}, Mode: telemetry.ModeMIG, Start: start, End: telemetry.MaxTime},
		{ID: "d", Node: "n1", Manager: telemetry.ManagerHost, Cluster: "c1", Workload: "w", Mode: telemetry.ModeWhole, Start: start, End: telemetry.MaxTime},
		{ID: "a", Node: "n2", Manager: telemetry.ManagerKubernetes, Cluster: "c1", Workload: "w", Devices: []string{"*"}, Mode: telemetry.ModeMPS, Share: "1e-3", Start: start, End: telemetry.MaxTime},
	}
	var got []telemetry.Placement
	for i, r := range rows {
		got = append(got, r.Placement)
		if r.Number != i+1 || r.Line != i+2 {
			t.Errorf("row %d is number %d on line %d", i+1, r.Number, r.Line)
		}
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("placements (-got +want):\n%s", diff)
	}
	if len(faults) != 1 || !strings.Contains(faults[0], `placement "b" holds "g0" of node "n1" whole while "a" of line 2 does`) {
		t.Errorf("faults %q, want the warning of an overlap", faults)
	}
}

func TestReadRates(t *testing.T) {
	var faults []string
	rows := replay.ReadRates(source("kind,key,value,unit,valid_from,valid_to,source\n"+
		"device_price,H100@r1,2.95,USD/h,2026-09-15T13:00:00Z,2026-09-15T14:00:00Z,list\ngrid_market,,0,g/kWh,,,\n", &faults))
	want := []telemetry.Rate{
		{Kind: telemetry.RateDevicePrice, Key: "H100@r1", Value: 2_950_000_000, Currency: "USD", From: 1_789_477_200_000_000_000, To: 1_789_480_800_000_000_000, Source: "list"},
		{Kind: telemetry.RateGridMarket, From: telemetry.MinTime, To: telemetry.MaxTime},
	}
	var got []telemetry.Rate
	for _, r := range rows {
		got = append(got, r.Rate)
	}
	if diff := cmp.Diff(got, want); diff != "" || len(faults) > 0 {
		t.Errorf("rates (-got +want), faults %q:\n%s", faults, diff)
	}
}

func TestReadBilling(t *testing.T) {
	var faults []string
	const head = "BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ContractedCost,EffectiveCost,ListCost,ServiceCategory,ServiceName,Tags,x_row\n"
	var got []string
	err := replay.ReadBilling(source(head+"-0.10,acc,USD,2026-09-01 00:00:00,2026-10-01 00:00:00,Credit,2026-09-15T13:00:00Z,2026-09-15T14:00:00Z,NULL,-0.10,0,Compute,EC2,\"{\"\"a\"\":\"\"b\"\"}\",7\n", &faults),
		func(r replay.BillingRow) error {
			got = append(got, fmt.Sprint(r.Account, r.Line, string(r.JSON)))
			return nil
		})
	want := []string{`acc2{"BilledCost":"-0.10","BillingAccountId":"acc","BillingCurrency":"USD","BillingPeriodEnd":"2026-10-01 00:00:00","BillingPeriodStart":"2026-09-01 00:00:00","ChargeCategory":"Credit",` +
		`"ChargePeriodEnd":"2026-09-15T14:00:00Z","ChargePeriodStart":"2026-09-15T13:00:00Z","EffectiveCost":"-0.10","ListCost":"0","ServiceCategory":"Compute","ServiceName":"EC2","Tags":"{\"a\":\"b\"}","x_row":"7"}`}
	if diff := cmp.Diff(got, want); diff != "" || err != nil || len(faults) > 0 {
		t.Errorf("charges (-got +want), faults %q, error %v:\n%s", faults, err, diff)
	}
}

func TestWarnOfGaps(t *testing.T) {
	const hour = 3_600_000_000_000
	always := func(k telemetry.RateKind, key string) telemetry.Rate {
		return telemetry.Rate{Kind: k, Key: key, From: telemetry.MinTime, To: telemetry.MaxTime}
	}
	full := []telemetry.Rate{always(telemetry.RateDevicePrice, "H100"), always(telemetry.RatePUE, ""), always(telemetry.RateGridLocation, "c1")}
	spans := []replay.Span{{Node: "n1", From: 10 * hour, To: 20 * hour}}
	for _, tc := range []struct {
		name  string
		rates []telemetry.Rate
		want  []string
	}{
		{"none missing", full, nil},
		{"none at all", nil, []string{
			`f: warning: no device_price or instance_price of "H100" applies at the time of the readings, so the time is unpriced: node "n1"`,
			`f: warning: no pue applies at the time of the readings, so 1 is assumed: node "n1"`,
			`f: warning: no grid_location applies at the time of the readings, so carbon stays empty: node "n1"`,
		}},
		{"instance price will do", append([]telemetry.Rate{always(telemetry.RateInstancePrice, "i8@r1")}, full[1:]...), nil},
		{"other region's price will not", append([]telemetry.Rate{always(telemetry.RateDevicePrice, "H100@r2")}, full[1:]...), []string{
			`f: warning: no device_price or instance_price of "H100" applies at the time of the readings, so the time is unpriced: node "n1"`,
		}},
		{"parts of the time", append([]telemetry.Rate{
			{Kind: telemetry.RateElectricity, Key: "c1", From: 11 * hour, To: 12 * hour}, {Kind: telemetry.RateElectricity, Key: "r1", From: 13 * hour, To: 19 * hour},
		}, full...), []string{
			`f: warning: no electricity applies before 1970-01-01T11:00:00Z, from 1970-01-01T12:00:00Z to 1970-01-01T13:00:00Z, from 1970-01-01T19:00:00Z on: node "n1"`,
		}},
		{"never at that time is usual for a tariff", append([]telemetry.Rate{{Kind: telemetry.RateElectricity, From: 1, To: 2}}, full...), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			replay.WarnOfGaps(tc.rates, testEstate(), spans, func(f replay.Fault) {
				f.File = "f"
				got = append(got, f.String())
			})
			if diff := cmp.Diff(got, tc.want); diff != "" {
				t.Errorf("warnings (-got +want):\n%s", diff)
			}
		})
	}
}

// No file, however broken, may panic a reader or yield what cannot be published.
func FuzzTables(f *testing.F) {
	f.Add("n1,,wall,,,,,,,,\nn1,g,gpu,m,g,,,,,,\n", "p,k8s,c,w,,,,n1,*,whole,,0,,\n", "pue,,1,1,,,\n")
	f.Fuzz(func(t *testing.T, inventory, placements, rates string) {
		var faults []string
		estate := replay.NewEstate()
		for _, d := range replay.ReadInventory(source(strings.Join(replay.Columns(replay.InventoryFile), ",")+"\n"+inventory, &faults), estate) {
			if d.Node == "" || d.Kind == telemetry.KindUnknown {
				t.Errorf("device %+v", d)
			}
		}
		for _, p := range replay.ReadPlacements(source(strings.Join(replay.Columns(replay.PlacementsFile), ",")+"\n"+placements, &faults), estate, 1_800_000_000_000_000_000) {
			if p.ID == "" || !estate.Known(p.Node) || p.End <= p.Start {
				t.Errorf("placement %+v", p)
			}
		}
		for _, r := range replay.ReadRates(source(strings.Join(replay.Columns(replay.RatesFile), ",")+"\n"+rates, &faults)) {
			if r.Kind == telemetry.RateUnknown || r.To <= r.From {
				t.Errorf("rate %+v", r)
			}
		}
	})
}

// A far end stands for none in some schedulers; facts would be made up to it.
// TestYearsOfTimes: a time of a year that cannot be kept is told from one that is
// written otherwise.
func TestYearsOfTimes(t *testing.T) {
	for from, want := range map[string]string{
		"1600-01-01T00:00:00Z": `rates.csv:2:12: unparsable: valid_from "1600-01-01T00:00:00Z": want a year from 1678 to 2261`,
		"1600-01-01":           `rates.csv:2:12: unparsable: valid_from "1600-01-01": want RFC 3339 such as 2026-09-15T13:00:00Z, or milliseconds since 1970 such as 1789477200000`,
		"2262-01-01T00:00:00Z": `rates.csv:2:12: unparsable: valid_from "2262-01-01T00:00:00Z": want a year from 1678 to 2261`,
	} {
		var got []string
		replay.ReadRates(replay.Source{File: "rates.csv", Reader: strings.NewReader("kind,key,value,unit,valid_from,valid_to,source\npue,,1.2,1," + from + ",,\n"), Report: func(f replay.Fault) {
			got = append(got, f.String())
		}})
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s: faults %q, want %q", from, got, want)
		}
	}
	_, faults, _ := readSamples(strings.NewReader("time,node,device,metric,value\n1600-01-01T00:00:00Z,n1,g0,power_watts,1\n"))
	if len(faults) != 1 || !strings.Contains(faults[0], "want a year from 1678 to 2261") {
		t.Errorf("faults of samples %q", faults)
	}
}

func TestPlacementsStayWithinAYear(t *testing.T) {
	const now, year = 1_800_000_000_000_000_000, 366 * 24 * 3_600_000_000_000
	for _, tc := range []struct {
		start, end string
		want       telemetry.Reason
	}{
		{"2026-09-15T13:00:00Z", "2100-01-01T00:00:00Z", telemetry.InFuture},
		{"2100-01-01T00:00:00Z", "", telemetry.InFuture},
		{"1999-12-31T23:59:59Z", "", telemetry.TooOld},
		{"2000-01-01T00:00:00Z", strconv.Itoa((now + year) / 1_000_000), telemetry.Accepted},
	} {
		var faults []string
		rows := replay.ReadPlacements(source("id,manager,cluster,workload,kind,tenant,team,node,devices,mode,share,start,end,labels\n"+
			"a,k8s,c1,w,,,,n1,*,whole,,"+tc.start+","+tc.end+",\n", &faults), testEstate(), now)
		switch {
		case tc.want == telemetry.Accepted && len(rows) != 1:
			t.Errorf("%s to %s: refused: %v", tc.start, tc.end, faults)
		case tc.want != telemetry.Accepted && (len(rows) != 0 || len(faults) != 1 || !strings.Contains(faults[0], tc.want.String())):
			t.Errorf("%s to %s: %d rows, faults %v, want %s", tc.start, tc.end, len(rows), faults, tc.want)
		}
	}
}
