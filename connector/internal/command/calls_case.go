package command

import (
	"context"
	"slices"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// The calls on a chat's case and on its push notifications.

func caseHistory(ctx context.Context, c *Commands, chat known, _ *schema.CaseHistory) (any, error) {
	sessions, err := c.Client.CaseHistory(ctx, chat.credentials, chat.key.ID)
	slices.SortStableFunc(sessions, func(a, b brightpattern.CaseSession) int { return a.Created.Compare(b.Created) })
	var result schema.CaseHistoryResult
	for _, s := range sessions {
		result.Sessions = append(result.Sessions, schema.CaseSession{
			ChatID: string(s.ChatID), CreatedTime: schema.NewTime(s.Created), Events: translate.History(s.ChatID, s.Events),
		})
	}
	return result, err
}

func closeCase(ctx context.Context, c *Commands, chat known, _ *schema.CaseClose) (any, error) {
	return nil, c.Client.CloseCase(ctx, chat.credentials, chat.key.ID)
}

func pushAPNs(ctx context.Context, c *Commands, chat known, d *schema.PushAPNs) (any, error) {
	bundle := d.AppBundleID
	if bundle == "" {
		bundle = c.cfg.APNsBundleID
	}
	if bundle == "" {
		return nil, refuse(schema.CodeInvalidCommand, "appBundleId: is missing, and CC_APNS_BUNDLE_ID gives no default")
	}
	return nil, c.Client.SubscribeAPNs(ctx, chat.credentials, chat.key.ID, d.DeviceToken, bundle)
}

func pushFirebase(ctx context.Context, c *Commands, chat known, d *schema.PushFirebase) (any, error) {
	platform := brightpattern.PlatformIOS
	if d.Platform == "android" {
		platform = brightpattern.PlatformAndroid
	}
	return nil, c.Client.SubscribeFirebase(ctx, chat.credentials, chat.key.ID, d.DeviceToken, platform)
}

func pushCancel(ctx context.Context, c *Commands, chat known, _ *schema.PushCancel) (any, error) {
	return nil, c.Client.CancelNotifications(ctx, chat.credentials, chat.key.ID)
}
