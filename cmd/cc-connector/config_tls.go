package main

import (
	"crypto/tls"
	"crypto/x509"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const noCertificate = "names a file without a PEM certificate"

// natsTLS are the certificates, read anew at each connection.
func (r *reader) natsTLS() []nats.Option {
	var roots nats.RootCAsHandler
	var pair nats.TLSCertHandler
	if r.NATSTLSCA != "" {
		file := rotate(r, &r.NATSTLSCA, poolOf(r.source(&r.NATSTLSCA), x509.NewCertPool))
		roots = func() (*x509.CertPool, error) { return file.again(), nil }
	}
	if r.NATSTLSCert != "" || r.NATSTLSKey != "" {
		pair = r.keyPair()
	}
	if roots == nil && pair == nil {
		return nil
	}
	return []nats.Option{nats.ClientTLSConfig(pair, roots)}
}

// poolOf reads certificates into a pool of their own.
func poolOf(from source, empty func() *x509.CertPool) func() (*x509.CertPool, string) {
	return func() (*x509.CertPool, string) {
		content, problem := from()
		pool := empty()
		if problem == "" && !pool.AppendCertsFromPEM(content) {
			problem = noCertificate
		}
		return pool, problem
	}
}

// keyPair reads both files at once: of a renewed certificate the key may come later.
func (r *reader) keyPair() nats.TLSCertHandler {
	r.require(r.NATSTLSCert != "", &r.NATSTLSCert, "is missing: CC_NATS_TLS_KEY needs its certificate")
	r.require(r.NATSTLSKey != "", &r.NATSTLSKey, "is missing: CC_NATS_TLS_CERT needs its key")
	certSource, keySource := r.source(&r.NATSTLSCert), r.source(&r.NATSTLSKey)
	_, noCert := certSource()
	_, noKey := keySource()
	r.require(noCert == "", &r.NATSTLSCert, noCert)
	r.require(noKey == "", &r.NATSTLSKey, noKey)
	if noCert+noKey != "" {
		return nil
	}
	file := rotate(r, &r.NATSTLSCert, func() (tls.Certificate, string) {
		cert, problem := certSource()
		if problem != "" {
			return tls.Certificate{}, problem
		}
		key, problem := keySource()
		pair, err := tls.X509KeyPair(cert, key)
		if problem != "" || err != nil {
			return tls.Certificate{}, "and CC_NATS_TLS_KEY are not a PEM certificate and its key"
		}
		return pair, ""
	})
	return func() (tls.Certificate, error) { return file.again(), nil }
}

// rootsAge is how long certificates of the contact center are not looked for anew: each call asks for them.
const rootsAge = time.Second

// centerRoots are the certificates that a contact center's may rest on. The pool is another one only when the file is.
type centerRoots struct {
	file *rotated[*x509.CertPool]
	age  time.Duration

	mu   sync.Mutex
	at   time.Time
	pool *x509.CertPool
}

func (c *centerRoots) now() *x509.CertPool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.at) < c.age {
		return c.pool
	}
	if pool := c.file.again(); !pool.Equal(c.pool) {
		c.pool = pool
	}
	c.at = time.Now()
	return c.pool
}

// systemPool is the machine's certificates.
func systemPool() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return x509.NewCertPool()
	}
	return pool
}

// contactRoots are the system's root certificates and those of a file, or nil.
func (r *reader) contactRoots() func() *x509.CertPool {
	if r.TLSCA == "" {
		return nil
	}
	file := rotate(r, &r.TLSCA, poolOf(r.source(&r.TLSCA), systemPool))
	return (&centerRoots{file: file, age: rootsAge, pool: file.current()}).now
}
