package app

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/store"
)

const (
	apiKeyPrefix  = "sipk_" // tells people, and scanners of source code, what it is
	maxAPIKeys    = 20      // that hold, of a payer
	maxAPIKeyName = 60
	apiKeySeen    = time.Minute // use is noted no more often
)

// APIKey is a key of a payer for its accounting program, as it is listed.
type APIKey = store.APIKey

// APIKeys are the keys of a payer.
type APIKeys struct {
	Payer  store.PayerOf
	Payers []store.PayerOf // those that the actor owns
	List   []APIKey        // those that hold, then those revoked, the newest first
	Form   string          // of the form that makes a key, once
}

// APIKeys returns the keys of a payer that the actor owns; for no payer asked,
// those of the first. Another's payer is NotFound; Forbidden for who does not own
// it.
func (a *App) APIKeys(ctx context.Context, actor account.Actor, id account.PayerID) (APIKeys, error) {
	k := APIKeys{Form: store.NewID()}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		owns := func(r account.Role) bool { return r == account.RoleOwner }
		if k.Payer, k.Payers, err = payerFor(ctx, tx, actor, id, owns, "error.payer.owner"); err != nil {
			return err
		}
		k.List, err = tx.APIKeysOf(ctx, k.Payer.ID)
		return err
	})
	return k, err
}

// MakeAPIKey makes a key for a payer that the actor owns and returns it: it is
// shown this once. form is that of APIKeys; sent again it is a Conflict.
func (a *App) MakeAPIKey(ctx context.Context, actor account.Actor, payer account.PayerID, name, form string) (string, error) {
	name = CleanText(name)
	var fields fault.Fields
	switch {
	case name == "":
		fields.Add("name", "error.required", nil)
	case utf8.RuneCountInString(name) > maxAPIKeyName:
		fields.Add("name", "error.too_long", fault.Args{"Limit": maxAPIKeyName})
	}
	if !isUUID(form) {
		return "", fault.New(fault.Invalid, "error.request.malformed")
	}
	if !isUUID(string(payer)) {
		return "", fault.Missing("payer")
	}
	if err := fields.Err(); err != nil {
		return "", err
	}
	key := apiKeyPrefix + base64.RawURLEncoding.EncodeToString(randomBytes())
	sum := sha256.Sum256([]byte(key))
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := lockOwned(ctx, tx, actor, payer); err != nil {
			return err
		}
		keys, err := tx.APIKeysOf(ctx, payer)
		if err != nil {
			return err
		}
		holding := 0
		for _, k := range keys {
			if k.RevokedAt == nil {
				holding++
			}
		}
		if holding >= maxAPIKeys {
			return &fault.Error{Kind: fault.Conflict, Key: "error.api_key.too_many", Args: fault.Args{"Count": maxAPIKeys}}
		}
		id, err := tx.InsertAPIKey(ctx, payer, name, sum[:], key[len(key)-4:], form, actor.AccountID)
		if err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "api_key.made", ObjectKind: "api_key", ObjectID: id, PayerID: payer,
			Detail: map[string]any{"name": name},
		})
	})
	if err != nil {
		return "", err
	}
	return key, nil
}

// RevokeAPIKey ends a key of a payer that the actor owns, at once; doing it twice
// is one change.
func (a *App) RevokeAPIKey(ctx context.Context, actor account.Actor, id string) error {
	if !isUUID(id) {
		return fault.Missing("api key")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		key, err := tx.APIKey(ctx, id)
		if err != nil {
			return err
		}
		if _, err := lockOwned(ctx, tx, actor, account.PayerID(key.PayerID)); err != nil {
			return err
		}
		changed, err := tx.RevokeAPIKey(ctx, id, actor.AccountID)
		if err != nil || !changed {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "api_key.revoked", ObjectKind: "api_key", ObjectID: id, PayerID: account.PayerID(key.PayerID),
		})
	})
}

// KeyHolder is who a request with a key speaks for: a payer's program. It is no
// Actor and can do nothing but read that payer's documents.
type KeyHolder struct {
	KeyID string
	Payer account.PayerID
}

// KeyHolder returns whose a key is. Unauthenticated for what is no key, Forbidden
// for one that was revoked. That it was used is noted, once a minute.
func (a *App) KeyHolder(ctx context.Context, key string) (KeyHolder, error) {
	refused := fault.New(fault.Unauthenticated, "")
	if !strings.HasPrefix(key, apiKeyPrefix) || len(key) > 100 {
		return KeyHolder{}, refused
	}
	sum := sha256.Sum256([]byte(key))
	var found []store.APIKey
	if err := a.db.Ask(ctx, func(q *store.Questions) { q.APIKeyBySHA256(sum[:], &found) }); err != nil {
		return KeyHolder{}, err
	}
	if len(found) == 0 {
		return KeyHolder{}, refused
	}
	k := found[0]
	if k.RevokedAt != nil {
		return KeyHolder{}, fault.New(fault.Forbidden, "error.api_key.revoked")
	}
	holder := KeyHolder{KeyID: k.ID, Payer: account.PayerID(k.PayerID)}
	if k.LastUsedAt == nil || a.now().Sub(*k.LastUsedAt) >= apiKeySeen {
		return holder, a.db.Update(ctx, func(tx *store.Tx) error { return tx.TouchAPIKey(ctx, k.ID) })
	}
	return holder, nil
}
