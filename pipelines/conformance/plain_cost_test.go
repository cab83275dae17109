package conformance_test

// addEnergy hands own(M) of one meter and slice to the pieces, and with it the
// estimated part, facility energy, energy cost and carbon (sections 5 to 7).
func (v *view) addEnergy(window int64, meter string, pieces map[string][]piece, running []placement, s slice) {
	own, isCard := s.own[meter], v.node.devices[meter].kind == "gpu"
	var got []portionOf
	if isCard {
		for i, part := range v.divideEnergy(meter, own, pieces[meter], s.interval) {
			got = append(got, portionOf{meter, pieces[meter][i].placement, part})
		}
	} else {
		got = v.asOverhead(own, pieces, running, s.interval)
	}
	estimated := parts(s.estimatedOwn(meter), byAmount(got))

	pue := million // none known: 1
	if r := v.prices.pue.at(s.from).rate; r != nil {
		pue = r.value
	}
	facility := halfUp(product(own, pue), product(million))
	facilities := make([]portionOf, len(got))
	for i, part := range parts(facility, byAmount(got)) {
		facilities[i] = portionOf{got[i].device, got[i].placement, part}
	}
	for i, g := range got {
		f := v.fact(window, g.device, g.placement)
		f.energy += g.amount
		if !isCard {
			f.overhead += g.amount
		}
		f.estimated += estimated[i]
		f.facility += facilities[i].amount
	}
	v.addTariff(window, facility, facilities, s)
	v.addCarbon(window, facility, facilities, s)
}

// addTariff is the energy cost: R(facility × tariff), over the same pieces,
// weights their facility energies.
func (v *view) addTariff(window, facility int64, facilities []portionOf, s slice) {
	r := v.prices.electricity.at(s.from).rate
	if r == nil {
		return
	}
	cost := halfUp(product(facility, r.value), product(microPerKWh))
	for i, part := range parts(cost, byAmount(facilities)) {
		v.fact(window, facilities[i].device, facilities[i].placement).cost[r.currency] += part
	}
}

// addCarbon is R(facility × factor), location and market; no market factor:
// the location factor.
func (v *view) addCarbon(window, facility int64, facilities []portionOf, s slice) {
	location := v.prices.location.at(s.from).rate
	market := v.prices.market.at(s.from).rate
	if market == nil {
		market = location
	}
	emitted := func(r *rate) []int64 {
		return parts(halfUp(product(facility, r.value), product(microPerKWh)), byAmount(facilities))
	}
	if location != nil {
		for i, part := range emitted(location) {
			f := v.fact(window, facilities[i].device, facilities[i].placement)
			f.carbonLocation += part
			f.knownLocation = true
		}
	}
	if market != nil {
		for i, part := range emitted(market) {
			f := v.fact(window, facilities[i].device, facilities[i].placement)
			f.carbonMarket += part
			f.knownMarket = true
		}
	}
}

// begins is a of section 7: the later of the window edge, the presence's start
// and the moments from which the rows apply.
func begins(window int64, s slice, applied ...span) int64 {
	a := max(window, s.presence.from)
	for _, sp := range applied {
		a = max(a, sp.from)
	}
	return a
}

// addHold is the hold cost: the node's instance_price as overhead is split;
// where none applies each accelerator's device_price, by shares.
func (v *view) addHold(window int64, pieces map[string][]piece, running []placement, s slice) {
	if sp := v.prices.instance.at(s.from); sp.rate != nil {
		cost := accrued(sp.rate.value, hour, begins(window, s, sp), s.interval)
		for _, p := range v.asOverhead(cost, pieces, running, s.interval) {
			v.fact(window, p.device, p.placement).cost[sp.rate.currency] += p.amount
		}
		return
	}
	for _, card := range v.node.accelerators {
		sp := v.prices.device[card].at(s.from)
		if sp.rate == nil {
			continue
		}
		cost := accrued(sp.rate.value, hour, begins(window, s, sp), s.interval)
		for i, part := range parts(cost, shares(pieces[card])) {
			v.fact(window, card, pieces[card][i].placement).cost[sp.rate.currency] += part
		}
	}
}

// addEmbodied is embodied/lifetime per time, among the pieces by shares.
func (v *view) addEmbodied(window int64, card string, pieces []piece, s slice) {
	embodied, lifetime := v.prices.embodied[card].at(s.from), v.prices.lifetime[card].at(s.from)
	if embodied.rate == nil {
		return
	}
	life := defaultLifetime
	if lifetime.rate != nil {
		life = lifetime.rate.value
	}
	amount := accrued(embodied.rate.value, life, begins(window, s, embodied, lifetime), s.interval)
	for i, part := range parts(amount, shares(pieces)) {
		f := v.fact(window, card, pieces[i].placement)
		f.embodied += part
		f.knownEmbodied = true
	}
}
