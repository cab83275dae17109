package report

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// sums are the totals of some facts, in the integers of package unit.
type sums [fact.NumColumns]*big.Int

// known reports whether any of the intervals that column c counts was known.
func (s *sums) known(c fact.Column) bool { return s[c].Sign() != 0 }

// cost is what was paid for holding and for energy.
func (s *sums) cost() *big.Int { return new(big.Int).Add(s[fact.HoldCost], s[fact.EnergyCost]) }

// money is what a group cost in one currency.
type money struct {
	currency string
	cost     *big.Int
}

// group is one distinct value of the grouping column.
type group struct {
	key   []string
	total sums
	costs []money // by currency; those of which something is known
}

func newGroup(key []string) *group {
	g := &group{key: slices.Clone(key)}
	for i := range g.total {
		g.total[i] = new(big.Int)
	}
	return g
}

func (g *group) add(currency string, s *sums) {
	for i, v := range s {
		g.total[i].Add(g.total[i], v)
	}
	if s.known(fact.CostIntervals) {
		g.costs = append(g.costs, money{currency, s.cost()})
	}
}

// retracted reports that corrections have taken everything back.
func (g *group) retracted() bool {
	for _, v := range g.total {
		if v.Sign() != 0 {
			return false
		}
	}
	return len(g.costs) == 0
}

// eachGroup calls fn for each group of q that has not been retracted, ordered
// by key, byte by byte.
func eachGroup(ctx context.Context, store textrow.Store, q Query, fn func(*group) error) error {
	keys := q.keyColumns()
	condition, args := q.where()
	columns := slices.Concat(keys, []string{"currency"})
	order := strings.Join(columns, ", ")
	for _, c := range fact.Columns {
		columns = append(columns, "sum("+c.Name+")")
	}
	query := "SELECT " + strings.Join(columns, ", ") + " FROM facts WHERE " + condition + " GROUP BY " + order + " ORDER BY " + order
	var last *group
	flush := func() error {
		if last == nil || last.retracted() {
			return nil
		}
		return fn(last)
	}
	err := textrow.Each(ctx, store, query, args, func(row []string) error {
		key, currency, figures := row[:len(keys)], row[len(keys)], row[len(keys)+1:]
		if last == nil || !slices.Equal(last.key, key) {
			if err := flush(); err != nil {
				return err
			}
			last = newGroup(key)
		}
		var s sums
		for i, text := range figures {
			v, err := textrow.Decimal(text, fact.Columns[i].Scale)
			if err != nil {
				return fmt.Errorf("read %s: %w", fact.Columns[i].Name, err)
			}
			s[i] = v
		}
		last.add(currency, &s)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read facts: %w", err)
	}
	return flush()
}
