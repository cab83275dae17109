package record

import "github.com/ntegral/ntegral/schemas/telemetry"

// AppendDevice encodes a row of the inventory.
func AppendDevice(b []byte, d *telemetry.Device) []byte {
	b = appendText(b, 1, d.Node)
	b = appendText(b, 2, d.ID)
	b = appendUint(b, 3, uint64(d.Kind))
	b = appendText(b, 4, d.Model)
	b = appendText(b, 5, d.Parent)
	b = appendText(b, 6, d.Provider)
	b = appendText(b, 7, d.Region)
	b = appendText(b, 8, d.Zone)
	b = appendText(b, 9, d.InstanceType)
	b = appendText(b, 10, d.Cluster)
	return appendText(b, 11, d.Tenant)
}

// DecodeDevice reads a row of the inventory.
func DecodeDevice(b []byte) (d telemetry.Device, err error) {
	texts := [...]*string{
		1: &d.Node, 2: &d.ID, 4: &d.Model, 5: &d.Parent, 6: &d.Provider, 7: &d.Region, 8: &d.Zone, 9: &d.InstanceType, 10: &d.Cluster, 11: &d.Tenant,
	}
	err = each(b, func(f field) error {
		if f.n == 3 {
			return enum(f, &d.Kind, telemetry.KindNetwork+1)
		}
		if int(f.n) < len(texts) && texts[f.n] != nil {
			return f.text(texts[f.n], MaxName)
		}
		return nil
	})
	if err == nil && d.Node == "" {
		err = malformed("no node")
	}
	return d, err
}

// AppendPlacement encodes a placement.
func AppendPlacement(b []byte, p *telemetry.Placement) []byte {
	b = appendText(b, 1, p.ID)
	b = appendText(b, 2, p.Node)
	b = appendUint(b, 3, p.Revision)
	b = appendUint(b, 4, uint64(p.Manager))
	b = appendText(b, 5, p.Cluster)
	b = appendText(b, 6, p.Workload)
	b = appendText(b, 7, p.Kind)
	b = appendText(b, 8, p.Tenant)
	b = appendText(b, 9, p.Team)
	for _, d := range p.Devices {
		b = appendMessage(b, 10, []byte(d))
	}
	b = appendUint(b, 11, uint64(p.Mode))
	b = appendText(b, 12, p.Share)
	b = appendInt(b, 13, p.Start)
	if !p.Open() {
		b = appendUint(b, 14, 1)
		b = appendInt(b, 15, p.End)
	}
	b = appendText(b, 16, p.Labels)
	b = appendUint(b, 17, p.CPURequest)
	return appendUint(b, 18, p.MemoryRequest)
}

// DecodePlacement reads a placement.
func DecodePlacement(b []byte) (p telemetry.Placement, err error) {
	texts := [...]*string{1: &p.ID, 2: &p.Node, 5: &p.Cluster, 6: &p.Workload, 7: &p.Kind, 8: &p.Tenant, 9: &p.Team, 12: &p.Share}
	ended := uint64(0)
	err = each(b, func(f field) error {
		switch f.n {
		case 3:
			return f.uint(&p.Revision)
		case 4:
			return enum(f, &p.Manager, telemetry.ManagerHost+1)
		case 10:
			var d string
			if len(p.Devices) >= MaxDevices {
				return malformed("too many devices")
			}
			err := f.text(&d, MaxName)
			p.Devices = append(p.Devices, d)
			return err
		case 11:
			return enum(f, &p.Mode, telemetry.ModeFraction+1)
		case 13:
			return f.int(&p.Start)
		case 14:
			return f.uint(&ended)
		case 15:
			return f.int(&p.End)
		case 16:
			return f.text(&p.Labels, MaxText)
		case 17:
			return f.bounded(&p.CPURequest, telemetry.MaxCPURequest)
		case 18:
			return f.bounded(&p.MemoryRequest, telemetry.MaxMemoryRequest)
		}
		if int(f.n) < len(texts) && texts[f.n] != nil {
			return f.text(texts[f.n], MaxName)
		}
		return nil
	})
	if ended == 0 {
		p.End = telemetry.MaxTime
	}
	if err == nil && (p.ID == "" || p.Node == "") {
		err = malformed("no placement id or node")
	}
	return p, err
}

// AppendRate encodes a rate.
func AppendRate(b []byte, r *telemetry.Rate) []byte {
	b = appendUint(b, 1, uint64(r.Kind))
	b = appendText(b, 2, r.Key)
	b = appendInt(b, 3, r.Value)
	b = appendText(b, 4, r.Currency)
	if r.From != telemetry.MinTime {
		b = appendUint(b, 5, 1)
		b = appendInt(b, 6, r.From)
	}
	if r.To != telemetry.MaxTime {
		b = appendUint(b, 7, 1)
		b = appendInt(b, 8, r.To)
	}
	return appendText(b, 9, r.Source)
}

// DecodeRate reads a rate.
func DecodeRate(b []byte) (r telemetry.Rate, err error) {
	begun, ended := uint64(0), uint64(0)
	err = each(b, func(f field) error {
		switch f.n {
		case 1:
			return enum(f, &r.Kind, telemetry.NumRateKinds)
		case 2:
			return f.text(&r.Key, 2*MaxName+1)
		case 3:
			return f.int(&r.Value)
		case 4:
			return f.text(&r.Currency, 3)
		case 5:
			return f.uint(&begun)
		case 6:
			return f.int(&r.From)
		case 7:
			return f.uint(&ended)
		case 8:
			return f.int(&r.To)
		case 9:
			return f.text(&r.Source, MaxText)
		}
		return nil
	})
	if begun == 0 {
		r.From = telemetry.MinTime
	}
	if ended == 0 {
		r.To = telemetry.MaxTime
	}
	return r, err
}
