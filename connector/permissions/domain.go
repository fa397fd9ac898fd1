package permissions

import "strings"

const apiPrefix = "$JS.API."

// InDomain are the users of a NATS behind which JetStream is in a domain: they
// are asked for by other subjects there, and the keys of a bucket are written
// under these, too: leaf nodes do not let their own through.
func InDomain(users []User, domain string) []User {
	if domain == "" {
		return users
	}
	there := make([]User, len(users))
	for i, user := range users {
		there[i] = user
		there[i].Publish = inDomain(user.Publish, "$JS."+domain+".API.")
	}
	return there
}

func inDomain(subjects []string, prefix string) (all []string) {
	for _, subject := range subjects {
		rest, api := strings.CutPrefix(subject, apiPrefix)
		switch {
		case api:
			subject = prefix + rest
		case strings.HasPrefix(subject, "$KV."):
			subject = prefix + subject
		}
		all = append(all, subject)
	}
	return all
}
