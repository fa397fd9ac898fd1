package permissions

import "strings"

const apiPrefix = "$JS.API."

// InDomain are the users of a NATS behind which JetStream is in a domain: they
// are asked for by other subjects there. The client library writes some keys of
// a bucket under these, too.
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
		if api {
			subject = prefix + rest
		}
		all = append(all, subject)
		if strings.HasPrefix(subject, "$KV.") {
			all = append(all, prefix+subject)
		}
	}
	return all
}
