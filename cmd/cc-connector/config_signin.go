package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// access is the one way of signing in. Its zero value is for a NATS that asks for none.
type access struct {
	variable string // to look at when it is refused
	options  []nats.Option
	user     *rotated[jwtUser] // of a credentials file
	nkey     *nkeyUser
}

// signIn takes the one way to sign in. All of them read their file anew at each connection.
func (r *reader) signIn(urls []string) access {
	r.require(r.NATSUser != "" || r.NATSPasswordFile == "", &r.NATSUser, "is missing: CC_NATS_PASSWORD_FILE needs its user")
	ways := given(&r.NATSCreds, &r.NATSNkeySeedFile, &r.NATSUser, &r.NATSTokenFile)
	if slices.ContainsFunc(urls, hasUser) {
		ways = append(ways, &r.NATSURL)
	}
	if len(ways) > 1 {
		for _, way := range ways {
			r.bad(way, "is one of several ways to sign in to NATS; keep one of them")
		}
		return access{}
	}
	if len(ways) == 0 {
		return access{}
	}
	makers := map[*string]func() access{
		&r.NATSCreds: r.creds, &r.NATSNkeySeedFile: r.nkey, &r.NATSUser: r.userAndPassword, &r.NATSTokenFile: r.token,
	}
	var s access
	if maker := makers[ways[0]]; maker != nil {
		s = maker()
	}
	s.variable = r.nameOf(ways[0])
	return s
}

func hasUser(address string) bool {
	u, err := parseNATSURL(address)
	return err == nil && u.User != nil
}

// jwtUser signs in by a JWT, and by the key that proves it.
type jwtUser struct {
	jwt string
	key nkeys.KeyPair
}

func (r *reader) creds() access {
	from := r.source(&r.NATSCreds)
	user := rotate(r, &r.NATSCreds, func() (c jwtUser, problem string) {
		content, problem := from()
		if problem != "" {
			return c, problem
		}
		jwt, noJWT := nkeys.ParseDecoratedJWT(content)
		key, noKey := nkeys.ParseDecoratedUserNKey(content)
		if noJWT != nil || noKey != nil || strings.Count(jwt, ".") != 2 {
			return c, "names a file that holds no NATS credentials (a user JWT and its seed)"
		}
		return jwtUser{jwt, key}, ""
	})
	return access{user: user, options: []nats.Option{nats.UserJWT(
		func() (string, error) { return user.again().jwt, nil },
		func(nonce []byte) ([]byte, error) { return sign(user.current().key, nonce) }, // that the JWT came with
	)}}
}

func sign(key nkeys.KeyPair, nonce []byte) ([]byte, error) {
	if key == nil {
		return nil, errors.New("there is no key to sign with")
	}
	return key.Sign(nonce)
}

// expiry is when a JWT ends, if it does.
func expiry(jwt string) (time.Time, bool) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Expires int64 `json:"exp"`
	}
	if err != nil || json.Unmarshal(body, &claims) != nil || claims.Expires == 0 {
		return time.Time{}, false
	}
	return time.Unix(claims.Expires, 0).UTC(), true
}

// nkeyUser signs in by a key. The library takes the key's public half for
// fixed; but it asks, before each try to connect again, which server is to be
// tried, and nothing else reads the options at that moment.
type nkeyUser struct {
	seed *rotated[nkeyPair]
}

// nkeyDial is one connection of an nkeyUser.
type nkeyDial struct {
	*nkeyUser
	nc atomic.Pointer[nats.Conn] // once there is one
}

type nkeyPair struct {
	public string
	key    nkeys.KeyPair
}

func (r *reader) nkey() access {
	from := r.source(&r.NATSNkeySeedFile)
	u := &nkeyUser{seed: rotate(r, &r.NATSNkeySeedFile, func() (nkeyPair, string) { return readNkey(from) })}
	return access{nkey: u}
}

func readNkey(from source) (pair nkeyPair, problem string) {
	content, problem := from()
	if problem != "" {
		return pair, problem
	}
	key, err := nkeys.ParseDecoratedNKey(content)
	if err == nil {
		pair.key = key
		pair.public, err = key.PublicKey()
	}
	if err != nil || !nkeys.IsValidPublicUserKey(pair.public) {
		return nkeyPair{}, "names a file that holds no seed of a user nkey (it begins with SU)"
	}
	return pair, ""
}

func (d *nkeyDial) options() []nats.Option {
	first := nats.Nkey(d.seed.again().public, func(nonce []byte) ([]byte, error) { return sign(d.seed.current().key, nonce) })
	return []nats.Option{first, nats.ReconnectToServer(d.takeAnew)}
}

// takeAnew leaves the choice of the server to the library.
func (d *nkeyDial) takeAnew([]nats.Server, nats.ServerInfo) (*nats.Server, time.Duration) {
	if nc := d.nc.Load(); nc != nil {
		nc.Opts.Nkey = d.seed.again().public
	}
	return nil, 0
}

func (r *reader) userAndPassword() access {
	if r.NATSPasswordFile == "" {
		r.bad(&r.NATSPasswordFile, "is missing: CC_NATS_USER needs its password, in a file")
		return access{}
	}
	user, file := r.NATSUser, r.secret(&r.NATSPasswordFile)
	return access{options: []nats.Option{nats.UserInfoHandler(func() (string, string) { return user, file.again() })}}
}

func (r *reader) token() access {
	file := r.secret(&r.NATSTokenFile)
	return access{options: []nats.Option{nats.TokenHandler(file.again)}}
}

func (r *reader) secret(setting *string) *rotated[string] {
	from := r.source(setting)
	return rotate(r, setting, func() (string, string) { return readSecret(from) })
}
