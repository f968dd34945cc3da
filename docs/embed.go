// Package docs embeds the example of the seller file, so that what is documented
// is what demo mode runs with.
package docs

import _ "embed"

// SellerExample is seller.example.toml.
//
//go:embed seller.example.toml
var SellerExample string
