package replay

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/schemas/unit"
)

// BillingRow is a row of billing.csv: a JSON object of the cells that are
// there, by FOCUS column, each as the text that stands in the file.
type BillingRow struct {
	Account string // BillingAccountId
	JSON    []byte
	Line    int
}

// billingRequired are the columns without which a charge cannot be placed:
// mandatory in each of FOCUS 1.0, 1.1 and 1.2.
var billingRequired = []string{
	"BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "ChargeCategory",
	"ChargePeriodStart", "ChargePeriodEnd", "ContractedCost", "EffectiveCost", "ListCost", "ServiceCategory", "ServiceName",
}

// billingFilled are those that every row must have a value in. The other two
// must not be empty by the specification either, but exports leave them so for
// credits and marketplace charges, where nothing was contracted.
var billingFilled = []string{
	"BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "ChargeCategory",
	"ChargePeriodStart", "ChargePeriodEnd", "EffectiveCost", "ServiceCategory", "ServiceName",
}

// billingOptional are the other columns of the three versions; names that
// begin with x_ are the provider's own. Id is in the published sample data.
var billingOptional = []string{
	"AvailabilityZone", "BillingAccountName", "BillingAccountType", "CapacityReservationId", "CapacityReservationStatus", "ChargeClass", "ChargeDescription",
	"ChargeFrequency", "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountQuantity",
	"CommitmentDiscountStatus", "CommitmentDiscountType", "CommitmentDiscountUnit", "ConsumedQuantity", "ConsumedUnit", "ContractedUnitPrice", "Id",
	"InvoiceId", "InvoiceIssuerName", "ListUnitPrice", "PricingCategory", "PricingCurrency", "PricingCurrencyContractedUnitPrice",
	"PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId",
	"RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId",
	"SubAccountId", "SubAccountName", "SubAccountType", "Tags",
}

var (
	billingTimes    = []string{"BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd"}
	billingDecimals = []string{
		"BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "CommitmentDiscountQuantity", "ConsumedQuantity", "ContractedUnitPrice", "ListUnitPrice",
		"PricingQuantity", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice",
	}
)

// ReadBilling reads billing.csv and calls fn for each row that can be used.
func ReadBilling(src Source, fn func(BillingRow) error) error {
	t := openTable(src, billingRequired, func(name string) bool {
		return strings.HasPrefix(name, "x_") || slices.Contains(billingOptional, name)
	})
	if t == nil {
		return nil
	}
	for t.next() {
		row, ok := t.charge()
		if !ok {
			continue
		}
		if err := fn(row); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) charge() (row BillingRow, ok bool) {
	row.Line = t.rows.line
	cells := make(map[string]string, len(t.names))
	for i, name := range t.names {
		c := t.rows.cells[i]
		if reason, message := checkText(c, record.MaxText); reason != telemetry.Accepted {
			t.billingFault(i, reason, message)
			return row, false
		}
		// The text NULL is how exports write that there is no value.
		if len(c) == 0 || string(c) == "NULL" || cells[name] != "" {
			continue
		}
		cells[name] = string(c)
		if message := badCharge(name, cells[name]); message != "" {
			t.billingFault(i, telemetry.Unparsable, message)
			return row, false
		}
	}
	for _, name := range billingFilled {
		if cells[name] == "" {
			t.billingFault(t.index[slices.Index(billingRequired, name)], telemetry.Unparsable, "is empty: want a value in every row")
			return row, false
		}
	}
	for _, period := range [][2]string{{"ChargePeriodStart", "ChargePeriodEnd"}, {"BillingPeriodStart", "BillingPeriodEnd"}} {
		from, _ := parseBillingTime(cells[period[0]])
		if to, _ := parseBillingTime(cells[period[1]]); to <= from {
			t.billingFault(slices.Index(t.names, period[1]), telemetry.EndNotAfterStart, fmt.Sprintf("%s is not after %s %s: want a later time", cells[period[1]], period[0], cells[period[0]]))
			return row, false
		}
	}
	b, err := json.Marshal(cells)
	if err != nil || len(b) > record.MaxRecordBytes {
		t.rowFault(telemetry.TooLarge, fmt.Sprintf("the row is too large: want at most %d bytes", record.MaxRecordBytes))
		return row, false
	}
	row.Account, row.JSON = cells["BillingAccountId"], b
	return row, true
}

func badCharge(name, text string) string {
	switch {
	case slices.Contains(billingTimes, name):
		if _, ok := parseBillingTime(text); !ok {
			return quoteCell(text) + ": want a time such as 2026-09-01T00:00:00Z"
		}
	case slices.Contains(billingDecimals, name):
		if _, err := unit.ParseDecimal(text); err != nil {
			return quoteCell(text) + ": want a decimal number such as 98.32"
		}
	case name == "BillingCurrency":
		if len(text) != 3 || strings.ToUpper(text) != text {
			return quoteCell(text) + ": want a currency code such as USD"
		}
	}
	return ""
}

// parseBillingTime takes RFC 3339, which FOCUS asks for, and the form with a
// space and without a zone, UTC, in which databases export it.
func parseBillingTime(text string) (int64, bool) {
	if ns, ok := parseRFC3339([]byte(text)); ok {
		return ns, true
	}
	t, err := time.Parse(time.DateTime, text)
	return t.UnixNano(), err == nil
}

func (t *table) billingFault(cell int, reason telemetry.Reason, message string) {
	name := t.names[cell]
	t.report(Fault{Line: t.rows.line, Column: t.rows.starts[cell], Field: name, Reason: reason, Message: name + " " + message})
}
