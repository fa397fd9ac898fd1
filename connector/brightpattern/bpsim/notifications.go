package bpsim

const (
	apnsToken       = "ios_apns_device_token"
	apnsBundle      = "ios_app_bundle_id"
	firebaseIOS     = "ios_firebase_device_token"
	firebaseAndroid = "android_firebase_device_token"
)

var subscribeRules = []rule{
	may(apnsToken, aFilledString), may(apnsBundle, aFilledString),
	may(firebaseIOS, aFilledString), may(firebaseAndroid, aFilledString),
}

// subscribe keeps which kind of token was given and forgets the token.
func (s *Server) subscribe(c *call) answer {
	kinds := subscriptionKinds(c.json)
	_, bundle := c.json.get(apnsBundle)
	switch {
	case len(kinds) > 1:
		return manyParameters.answer()
	case bundle != (len(kinds) == 1 && kinds[0] == "apns"):
		return badRequest(apnsToken + " and " + apnsBundle + " go together").answer()
	}
	c.chat.mu.Lock()
	defer c.chat.mu.Unlock()
	c.chat.notifications = ""
	if len(kinds) == 1 {
		c.chat.notifications = kinds[0]
	}
	return ok(struct{}{})
}

func subscriptionKinds(fs fields) []string {
	var kinds []string
	for _, k := range []struct{ field, kind string }{
		{apnsToken, "apns"}, {firebaseIOS, "firebase-ios"}, {firebaseAndroid, "firebase-android"},
	} {
		if _, there := fs.get(k.field); there {
			kinds = append(kinds, k.kind)
		}
	}
	return kinds
}
