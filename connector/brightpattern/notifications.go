package brightpattern

import "context"

// Platform is a mobile system.
type Platform string

// The platforms of Firebase notifications.
const (
	PlatformIOS     Platform = "ios"
	PlatformAndroid Platform = "android"
)

const subscribe = "subscribeNotifications"

// SubscribeAPNs has a chat's news announced to an iOS app over Apple's push
// service. Both the device's token and the app's bundle id are needed.
func (c *Client) SubscribeAPNs(ctx context.Context, cred Credentials, chat ChatID, deviceToken, bundleID string) error {
	if deviceToken == "" || bundleID == "" {
		return invalid(subscribe, "the device token or the bundle id is empty")
	}
	return c.notify(ctx, cred, chat, map[string]string{"ios_apns_device_token": deviceToken, "ios_app_bundle_id": bundleID})
}

// SubscribeFirebase has a chat's news announced over Firebase.
func (c *Client) SubscribeFirebase(ctx context.Context, cred Credentials, chat ChatID, deviceToken string, platform Platform) error {
	if deviceToken == "" {
		return invalid(subscribe, "the device token is empty")
	}
	if platform != PlatformIOS && platform != PlatformAndroid {
		return invalid(subscribe, "the platform is unknown")
	}
	return c.notify(ctx, cred, chat, map[string]string{string(platform) + "_firebase_device_token": deviceToken})
}

// CancelNotifications ends a chat's subscription, whatever it was.
func (c *Client) CancelNotifications(ctx context.Context, cred Credentials, chat ChatID) error {
	return c.notify(ctx, cred, chat, map[string]string{})
}

func (c *Client) notify(ctx context.Context, cred Credentials, chat ChatID, payload map[string]string) error {
	call, err := postJSON(subscribe, payload, "chats", string(chat), "notifications")
	if err != nil {
		return err
	}
	return c.send(ctx, cred, call, acknowledged)
}
