package connector

import (
	"context"
	"slices"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// The calls on a chat's case and on its push notifications.

func caseHistory(ctx context.Context, c *Connector, chat known, _ *schema.CaseHistory) (any, error) {
	sessions, err := c.client.CaseHistory(ctx, chat.entry.credentials(), chat.key.id)
	slices.SortStableFunc(sessions, func(a, b brightpattern.CaseSession) int { return a.Created.Compare(b.Created) })
	var result schema.CaseHistoryResult
	for _, s := range sessions {
		result.Sessions = append(result.Sessions, schema.CaseSession{
			ChatID: string(s.ChatID), CreatedTime: schema.NewTime(s.Created), Events: translateHistory(s.ChatID, s.Events),
		})
	}
	return result, err
}

func closeCase(ctx context.Context, c *Connector, chat known, _ *schema.CaseClose) (any, error) {
	return nil, c.client.CloseCase(ctx, chat.entry.credentials(), chat.key.id)
}

func pushAPNs(ctx context.Context, c *Connector, chat known, d *schema.PushAPNs) (any, error) {
	bundle := d.AppBundleID
	if bundle == "" {
		bundle = c.cfg.APNsBundleID
	}
	if bundle == "" {
		return nil, refuse(schema.CodeInvalidCommand, "appBundleId: is missing, and CC_APNS_BUNDLE_ID gives no default")
	}
	return nil, c.client.SubscribeAPNs(ctx, chat.entry.credentials(), chat.key.id, d.DeviceToken, bundle)
}

func pushFirebase(ctx context.Context, c *Connector, chat known, d *schema.PushFirebase) (any, error) {
	platform := brightpattern.PlatformIOS
	if d.Platform == "android" {
		platform = brightpattern.PlatformAndroid
	}
	return nil, c.client.SubscribeFirebase(ctx, chat.entry.credentials(), chat.key.id, d.DeviceToken, platform)
}

func pushCancel(ctx context.Context, c *Connector, chat known, _ *schema.PushCancel) (any, error) {
	return nil, c.client.CancelNotifications(ctx, chat.entry.credentials(), chat.key.id)
}
