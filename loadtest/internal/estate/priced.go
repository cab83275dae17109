package estate

import "time"

// priced are the rates of one node during one spell; a nil is unknown.
type priced struct {
	instance, device, embodied, tariff *float64 // USD/h, USD/h, kg/h, USD/kWh
	pue, location, market              float64
}

func (a *accountant) priced(n node, second int) priced {
	at := a.start.Add(time.Duration(second) * time.Second)
	find := func(kind string, keys ...string) *float64 {
		v, ok := resolve(a.rates, kind, at, keys...)
		if !ok {
			return nil
		}
		return &v
	}
	site := []string{n.cluster, n.zone, n.region, ""}
	model := []string{n.card.model + "@" + n.region, n.card.model}
	p := priced{
		device: find("device_price", model...),
		tariff: find("electricity", site...),
		pue:    1,
	}
	if n.instanceType != "" {
		p.instance = find("instance_price", n.instanceType+"@"+n.region, n.instanceType)
	}
	if kg := find("embodied", model...); kg != nil {
		life := 35040.0
		if l := find("lifetime", model...); l != nil {
			life = *l
		}
		perHour := *kg / life
		p.embodied = &perHour
	}
	if v := find("pue", site...); v != nil {
		p.pue = *v
	}
	if v := find("grid_location", site...); v != nil {
		p.location, p.market = *v, *v
	}
	if v := find("grid_market", site...); v != nil {
		p.market = *v
	}
	return p
}

// hold adds what holding one of a node's cards for so long costs and embodies.
func (p priced) hold(f *Figures, cards int, hours float64) {
	switch {
	case p.instance != nil:
		plus(&f.Cost, *p.instance*hours/float64(cards))
	case p.device != nil:
		plus(&f.Cost, *p.device*hours)
	}
	if p.embodied != nil {
		plus(&f.EmbodiedKg, *p.embodied*hours)
	}
}

// energy adds joules of a card and of what stands around it.
func (p priced) energy(f *Figures, card, overhead float64) {
	kwh := (card + overhead) / 3.6e6
	facility := kwh * p.pue
	f.EnergyKWh += kwh
	f.OverheadKWh += overhead / 3.6e6
	f.FacilityKWh += facility
	f.CarbonLocationKg += facility * p.location / 1000
	f.CarbonMarketKg += facility * p.market / 1000
	if p.tariff != nil {
		plus(&f.Cost, facility**p.tariff)
	}
}
