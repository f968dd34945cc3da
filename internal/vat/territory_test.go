package vat

import (
	"testing"

	"github.com/siptg/portal/internal/money"
)

func TestTerritory(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		country, postcode string
		want, state       string // ISO code and member state
		rate              money.BasisPoints
		alert             string
		review            bool
	}{
		{country: "LT", postcode: "01103", want: "LT", state: "LT"},
		{country: "DE", postcode: "10115", want: "DE", state: "DE"},
		{country: "DE", want: "DE", state: "DE"},
		{country: "EL", postcode: "10431", want: "GR", state: "GR"},
		{country: "GR", postcode: "85100", want: "GR", state: "GR"}, // Rhodes: no island rate
		{country: "GR", postcode: "630 86", want: "GR"},
		{country: "UK", postcode: "SW1A 1AA", want: "GB"},
		{country: "GB", postcode: "BT1 5GS", want: "XI"},
		{country: "GB", postcode: "bt15gs", want: "XI"},
		{country: "GB", postcode: "B1 1TT", want: "GB"},
		{country: "XI", postcode: "BT1 5GS", want: "XI"},
		{country: "ES", postcode: "35001", want: "ES"},
		{country: "ES", postcode: "ES-38001", want: "ES"},
		{country: "ES", postcode: "51001", want: "ES"},
		{country: "ES", postcode: "52001", want: "ES"},
		{country: "ES", postcode: "28035", want: "ES", state: "ES"},
		{country: "ES", postcode: "350", want: "ES", state: "ES"}, // no postcode: no exemption
		{country: "AX", postcode: "22100", want: "AX"},
		{country: "FI", postcode: "22100", want: "AX"},
		{country: "FI", postcode: "00220", want: "FI", state: "FI"},
		{country: "DE", postcode: "78266", want: "DE"},
		{country: "DE", postcode: "D-27498", want: "DE"},
		{country: "IT", postcode: "23041", want: "IT"},
		{country: "IT", postcode: "22061", want: "IT"},
		{country: "IT", postcode: "23030", want: "IT", state: "IT", alert: "vat.territory_unsure"},
		{country: "IT", postcode: "22060", want: "IT", state: "IT", alert: "vat.territory_unsure"},
		{country: "FR", postcode: "97400", want: "RE", alert: "vat.french_overseas"},
		{country: "FR", postcode: "97110", want: "GP", alert: "vat.french_overseas"},
		{country: "FR", postcode: "97900", want: "FR", state: "FR"},
		{country: "FR", postcode: "75001", want: "FR", state: "FR"},
		{country: "MQ", want: "MQ", alert: "vat.french_overseas"},
		{country: "PM", want: "PM", alert: "vat.french_overseas"},
		{country: "MC", postcode: "98000", want: "MC", state: "FR"},
		{country: "IM", want: "IM"},
		{country: "GG", want: "GG"},
		{country: "JE", want: "JE"},
		{country: "FO", want: "FO"},
		{country: "GL", want: "GL"},
		{country: "SM", want: "SM"},
		{country: "VA", want: "VA"},
		{country: "AD", want: "AD"},
		{country: "GI", want: "GI"},
		{country: "XK", want: "XK"},
		{country: "us", postcode: "10001", want: "US"},
		{country: "AT", postcode: "6691", want: "AT", state: "AT", rate: 1900},
		{country: "AT", postcode: "A-6992", want: "AT", state: "AT", rate: 1900},
		{country: "AT", postcode: "1010", want: "AT", state: "AT"},
		{country: "PT", postcode: "9500-123", want: "PT", state: "PT", alert: "vat.portugal_region"},
		{country: "PT", postcode: "9000-001", want: "PT", state: "PT", alert: "vat.portugal_region"},
		{country: "PT", postcode: "1000-001", want: "PT", state: "PT"},
		{country: "CY", postcode: "99010", want: "CY", review: true},
		{country: "CY", postcode: "9300", want: "CY", review: true},
		{country: "CY", postcode: "1010", want: "CY", state: "CY"},
		// No countries:
		{country: ""}, {country: "ZZ"}, {country: "EU"}, {country: "FX"}, {country: "DD"}, {country: "USA"}, {country: "001"}, {country: "D3"},
	} {
		got := Territory(tt.country, tt.postcode)
		got.Name = ""
		if want := (Place{Country: tt.want, State: tt.state, Rate: tt.rate, Alert: tt.alert, Review: tt.review}); got != want {
			t.Errorf("%s %s: %+v, want %+v", tt.country, tt.postcode, got, want)
		}
	}
}

// A row that a broader one above it hides would never be found, and a place is
// either nowhere in the EU or in a member state.
func TestTerritoriesAreReachable(t *testing.T) {
	t.Parallel()
	for country, rows := range territories {
		for i, row := range rows {
			if row.place.State != "" && !MemberState(row.place.State) {
				t.Errorf("%s: %q is no member state", row.place.Name, row.place.State)
			}
			for _, above := range rows[:i] {
				if above.covers(row.postcode) {
					t.Errorf("%s: %s is hidden by %s", country, row.postcode, above.postcode)
				}
			}
		}
	}
}
