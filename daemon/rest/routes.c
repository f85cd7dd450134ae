/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes.c - the routes of REST, in the order in which they are looked at: words before parameters.
 *
 * Arguments in braces come from the path. The others are query parameters of GET and DELETE, and
 * members of the body of POST and PATCH; what a required input object or a filter holds is given
 * without it. `expectedRevision` is the If-Match header. See compile.c.
 */
#include "rest/internal.h"

#define GET(path_, field_, summary_)                                                               \
	{                                                                                          \
		"GET", path_, field_, 200, .summary = (summary_)                                   \
	}
#define LIST(path_, field_, cursor_, summary_)                                                     \
	{                                                                                          \
		"GET", path_, field_, 200, .cursor = (cursor_), .summary = (summary_)              \
	}
#define POST(path_, field_, summary_)                                                              \
	{                                                                                          \
		"POST", path_, field_, 200, .summary = (summary_)                                  \
	}
#define PATCH(path_, field_, summary_)                                                             \
	{                                                                                          \
		"PATCH", path_, field_, 200, .summary = (summary_)                                 \
	}
#define DELETE(path_, field_, summary_)                                                            \
	{                                                                                          \
		"DELETE", path_, field_, 204, .summary = (summary_)                                \
	}
/* POST that makes something: the member of the payload that holds it, and its address. */
#define CREATE(path_, field_, member_, location_, summary_)                                        \
	{                                                                                          \
		"POST", path_, field_, 201, (member_), (location_), .summary = (summary_)          \
	}

const struct rest_row rest_rows[] = {
	/* Groups */
	LIST("/groups", "listConsumerGroups", "id", "Consumer groups."),
	CREATE("/groups", "createConsumerGroup", "group", "/groups/{id}", "Makes a group."),
	GET("/groups/default", "getDefaultConsumerGroup",
		"The group of sessions that nothing else claims."),
	GET("/groups/stats", "listConsumerGroupStats", "Use of all groups."),
	GET("/groups/by-name/{name}", "getConsumerGroupByName", "One group, by its name."),
	GET("/groups/{groupId}", "getConsumerGroup", "One group."),
	PATCH("/groups/{groupId}", "updateConsumerGroup", "Changes a group."),
	DELETE("/groups/{groupId}", "deleteConsumerGroup", "Removes a group."),
	GET("/groups/{groupId}/stats", "getConsumerGroupStats", "Use of one group."),
	POST("/groups/{groupId}/make-default", "setDefaultConsumerGroup",
		"Makes a group the one of sessions that nothing else claims."),

	/* Mappings */
	LIST("/mappings", "listUserGroupMappings", "userId", "Users that are pinned to groups."),
	POST("/mappings", "mapUserToGroup", "Pins a user to a group, or to another one."),
	GET("/mappings/{userId}", "getUserGroupMapping", "The mapping of one user."),
	DELETE("/mappings/{userId}", "unmapUser", "Takes a mapping away."),

	/* Rules */
	GET("/rules", "listAssignmentRules", "Assignment rules."),
	CREATE("/rules", "addAssignmentRule", "rule", "/rules/{id}", "Makes a rule."),
	GET("/rules/decision", "evaluateAssignment",
		"The group that a session would get, and why."),
	GET("/rules/{ruleId}", "getAssignmentRule", "One rule."),
	PATCH("/rules/{ruleId}", "updateAssignmentRule", "Changes a rule."),
	DELETE("/rules/{ruleId}", "deleteAssignmentRule", "Removes a rule."),

	/* Plans */
	LIST("/plans", "listResourcePlans", "id", "Resource plans."),
	CREATE("/plans", "createResourcePlan", "plan", "/plans/{id}", "Makes a plan."),
	GET("/plans/active", "getActiveResourcePlan", "The plan in force."),
	GET("/plans/history", "getPlanSwitchHistory", "Which plans were in force, and why."),
	GET("/plans/decision", "evaluatePlanSchedule", "The plan that schedules want."),
	POST("/plans/check", "checkAndSwitchResourcePlan",
		"Switches to the plan that schedules want."),
	CREATE("/plans/define", "defineResourcePlan", "plan", "/plans/{id}",
		"Makes a plan with its directives."),
	POST("/plans/deactivate", "deactivateResourcePlan", "Returns to the default plan."),
	GET("/plans/by-name/{name}", "getResourcePlanByName", "One plan, by its name."),
	GET("/plans/{planId}", "getResourcePlan", "One plan."),
	PATCH("/plans/{planId}", "updateResourcePlan", "Changes a plan."),
	DELETE("/plans/{planId}", "deleteResourcePlan", "Removes a plan."),
	POST("/plans/{planId}/activate", "activateResourcePlan", "Puts a plan in force."),
	GET("/plans/{planId}/validation", "validateResourcePlan", "What is wrong with a plan."),
	GET("/plans/{planId}/directives", "getResourcePlanDirectives", "Directives of a plan."),
	{"POST", "/plans/{planId}/directives", "createPlanDirective", 200, "directive",
		"/directives/{id}", .summary = "Gives a group its part of a plan."},
	GET("/allocations", "getEffectiveAllocations", "What each group gets under a plan."),

	/* Directives */
	GET("/directives/{directiveId}", "getPlanDirective", "One directive."),
	PATCH("/directives/{directiveId}", "updatePlanDirective", "Changes a directive."),
	DELETE("/directives/{directiveId}", "deletePlanDirective", "Takes a directive away."),

	/* A staged edit of plans */
	GET("/plan-edit", "getPlanEdit", "The edit that is open."),
	POST("/plan-edit", "beginPlanEdit", "Begins an edit."),
	DELETE("/plan-edit", "discardPlanEdit", "Throws the edit away."),
	GET("/plan-edit/validation", "validatePlanEdit", "What is wrong with the edit."),
	POST("/plan-edit/submit", "submitPlanEdit", "Makes all changes of the edit at once."),
	POST("/plan-edit/plans", "stageCreatePlan", "Makes a plan, when submitted."),
	PATCH("/plan-edit/plans/{planId}", "stageUpdatePlan", "Changes a plan, when submitted."),
	DELETE("/plan-edit/plans/{planId}", "stageDeletePlan", "Removes a plan, when submitted."),
	POST("/plan-edit/plans/{planId}/directives", "stageDirective",
		"Makes or changes a directive, when submitted."),
	DELETE("/plan-edit/plans/{planId}/directives/{groupId}", "stageRemoveDirective",
		"Takes a directive away, when submitted."),

	/* Schedules and windows */
	GET("/schedules", "listPlanSchedules", "Schedules of plans."),
	CREATE("/schedules", "addPlanSchedule", "schedule", "/schedules/{id}", "Makes a schedule."),
	GET("/schedules/{scheduleId}", "getPlanSchedule", "One schedule."),
	PATCH("/schedules/{scheduleId}", "updatePlanSchedule", "Changes a schedule."),
	DELETE("/schedules/{scheduleId}", "deletePlanSchedule", "Removes a schedule."),
	GET("/windows", "listMaintenanceWindows", "Maintenance windows."),
	CREATE("/windows", "addMaintenanceWindow", "window", "/windows/{id}", "Makes a window."),
	GET("/windows/current", "getCurrentMaintenanceWindow", "The window that is open."),
	GET("/windows/{windowId}", "getMaintenanceWindow", "One window."),
	PATCH("/windows/{windowId}", "updateMaintenanceWindow", "Changes a window."),
	DELETE("/windows/{windowId}", "deleteMaintenanceWindow", "Removes a window."),

	/* CPU */
	GET("/cpu/stats", "getCpuSchedulerStats", "What the CPU scheduler has done."),
	GET("/cpu/config", "getCpuSchedulerConfig", "Settings of the CPU scheduler."),
	PATCH("/cpu/config", "configureCpuScheduler", "Changes settings of the CPU scheduler."),
	GET("/cpu/cores", "getCpuCoreStats", "Use of each CPU slot."),
	GET("/cpu/groups", "listCpuGroupStats", "CPU of all groups."),
	POST("/cpu/groups", "registerCpuGroup", "Sets CPU shares of a group."),
	GET("/cpu/groups/{groupId}", "getCpuGroupStats", "CPU of one group."),
	DELETE("/cpu/groups/{groupId}", "unregisterCpuGroup", "Takes CPU shares of a group away."),
	POST("/cpu/rebalance", "rebalanceCpuGroups", "Levels the groups' virtual runtimes."),
	POST("/cpu/runaways", "detectRunawayQueries",
		"Marks and throttles tasks that are over the threshold."),

	/* Tasks */
	LIST("/tasks", "listCpuTasks", "taskId", "Tasks of the CPU scheduler."),
	CREATE("/tasks", "addCpuTask", "task", "/tasks/{taskId}", "Adds a task of another engine."),
	POST("/tasks/next", "scheduleNextCpuTask", "Picks the task that runs next."),
	GET("/tasks/{taskId}", "getCpuTask", "One task."),
	POST("/tasks/{taskId}/usage", "updateCpuTask", "Reports CPU that a task used."),
	POST("/tasks/{taskId}/yield", "yieldCpuTask", "A task stops running and stays ready."),
	POST("/tasks/{taskId}/suspend", "suspendCpuTask", "A task waits."),
	POST("/tasks/{taskId}/resume", "resumeCpuTask", "A task that waited is ready."),
	POST("/tasks/{taskId}/complete", "completeCpuTask", "A task is done."),

	/* I/O */
	GET("/io/stats", "getIoSchedulerStats", "What the I/O scheduler has done."),
	GET("/io/config", "getIoSchedulerConfig", "Settings of the I/O scheduler."),
	PATCH("/io/config", "configureIoScheduler", "Changes settings of the I/O scheduler."),
	POST("/io/deadlines", "setIoDefaultDeadline",
		"Sets a deadline that requests get by default."),
	POST("/io/metrics", "updateIoBandwidthMetrics", "Measures bandwidth anew."),
	GET("/io/devices", "listIoDeviceStats", "I/O of each device."),
	GET("/io/groups", "listIoGroupStats", "I/O of all groups."),
	POST("/io/groups", "registerIoGroup", "Sets I/O limits of a group."),
	GET("/io/groups/{groupId}", "getIoGroupStats", "I/O of one group."),
	DELETE("/io/groups/{groupId}", "unregisterIoGroup", "Takes I/O limits of a group away."),
	LIST("/requests", "listIoRequests", "id", "I/O requests."),
	CREATE("/requests", "submitIoRequest", "request", "/requests/{id}", "Submits a request."),
	POST("/requests/next", "scheduleNextIoRequest", "Picks the request that starts next."),
	GET("/requests/{requestId}", "getIoRequest", "One request."),
	POST("/requests/{requestId}/complete", "completeIoRequest", "A request is done."),
	POST("/requests/{requestId}/cancel", "cancelIoRequest", "Cancels a request."),

	/* Memory */
	GET("/memory/stats", "getMemoryStats", "What the memory manager has done."),
	GET("/memory/usage", "getDatabaseMemoryUsage", "Memory of the whole database."),
	GET("/memory/pressure", "getMemoryPressure", "How tight memory is."),
	PATCH("/memory/pressure", "configureMemoryPressure", "Changes the levels of pressure."),
	GET("/memory/advice", "autoTuneMemoryPools", "Which sizes pools should have."),
	POST("/memory/auto-tune", "autoTuneMemoryPools", "Gives pools the sizes they should have."),
	GET("/memory/pools", "listMemoryPools", "Memory pools."),
	CREATE("/memory/pools", "createMemoryPool", NULL, "/memory/pools/{id}", "Makes a pool."),
	GET("/memory/pools/by-name/{name}", "getMemoryPoolByName", "One pool, by its name."),
	GET("/memory/pools/{poolId}", "getMemoryPool", "One pool."),
	PATCH("/memory/pools/{poolId}", "updateMemoryPool", "Changes a pool."),
	DELETE("/memory/pools/{poolId}", "deleteMemoryPool", "Removes a pool."),
	POST("/memory/pools/{poolId}/allocate", "allocateFromMemoryPool", "Takes from a pool."),
	POST("/memory/pools/{poolId}/deallocate", "deallocateFromMemoryPool",
		"Gives back to a pool."),
	LIST("/memory/allocations", "listMemoryAllocations", "id", "What is taken from pools."),
	DELETE("/memory/allocations/{allocationId}", "freeMemoryAllocation",
		"Frees an allocation."),
	LIST("/memory/quotas", "listSessionMemoryQuotas", "sessionId", "Quotas of sessions."),
	POST("/memory/quotas", "createSessionMemoryQuota", "Gives a session a quota."),
	GET("/memory/quotas/{sessionId}", "getSessionMemoryQuota", "Quota of one session."),
	DELETE("/memory/quotas/{sessionId}", "removeSessionMemoryQuota", "Takes a quota away."),
	POST("/memory/quotas/{sessionId}/allocate", "allocateSessionMemory",
		"A session takes memory."),
	POST("/memory/quotas/{sessionId}/deallocate", "deallocateSessionMemory",
		"A session gives memory back."),
	GET("/memory/limits", "listGroupMemoryLimits", "Memory limits of groups."),
	POST("/memory/limits", "registerGroupMemoryLimits", "Sets memory limits of a group."),
	GET("/memory/limits/{groupId}", "getGroupMemoryLimits", "Memory limits of one group."),
	DELETE("/memory/limits/{groupId}", "unregisterGroupMemoryLimits",
		"Takes memory limits of a group away."),

	/* Parallel servers */
	GET("/parallel/stats", "getParallelExecutionStats", "What parallel control has done."),
	GET("/parallel/config", "getParallelConfig", "Settings of parallel control."),
	PATCH("/parallel/config", "configureParallelExecution",
		"Changes settings of parallel control."),
	GET("/parallel/load", "getSystemLoad", "Load that automatic degrees go by."),
	POST("/parallel/load", "updateSystemLoad", "Sets the load that automatic degrees go by."),
	POST("/parallel/downgrade", "setParallelDowngradeEnabled",
		"Allows or forbids lower degrees."),
	GET("/parallel/dop", "calculateAutoDop", "The degree that a query would get, and why."),
	GET("/parallel/servers", "listParallelServers", "Parallel servers."),
	GET("/parallel/limits", "listGroupDopLimits", "Degrees that groups are limited to."),
	POST("/parallel/limits", "setGroupDopLimit", "Limits degrees of a group."),
	GET("/parallel/limits/{groupId}", "getGroupDopLimit", "The limit of one group."),
	DELETE("/parallel/limits/{groupId}", "removeGroupDopLimit", "Takes a limit away."),
	GET("/server-pools", "listServerPools", "Pools of parallel servers."),
	CREATE("/server-pools", "createServerPool", "pool", "/server-pools/{poolId}",
		"Makes a pool."),
	GET("/server-pools/{poolId}", "getServerPool", "One pool."),
	PATCH("/server-pools/{poolId}", "updateServerPool", "Changes a pool."),
	DELETE("/server-pools/{poolId}", "deleteServerPool", "Removes a pool."),
	LIST("/executions", "listParallelExecutions", "queryId", "Parallel executions."),
	CREATE("/executions", "requestParallelExecution", "execution", "/executions/{queryId}",
		"Asks for parallel servers."),
	GET("/executions/queued", "listQueuedParallelExecutions", "Executions that wait."),
	GET("/executions/{queryId}", "getParallelExecution", "One execution."),
	POST("/executions/{queryId}/progress", "reportParallelProgress", "Reports progress."),
	POST("/executions/{queryId}/complete", "completeParallelExecution",
		"An execution is done."),
	POST("/executions/{queryId}/cancel", "cancelParallelExecution", "Cancels an execution."),

	/* Queries */
	LIST("/queries", "listQueryExecutions", "executionId",
		"Queries that were admitted to everything."),
	CREATE("/queries", "executeQuery", NULL, "/queries/{executionId}",
		"Admits a session's query to everything that it needs."),
	GET("/queries/{executionId}", "getQueryExecution", "One query."),
	POST("/queries/{executionId}/complete", "completeQueryExecution",
		"Ends a query and gives back all that it held."),

	/* Sessions */
	LIST("/sessions", "listSessions", "sessionId", "Sessions."),
	CREATE("/sessions", "createSession", "session", "/sessions/{sessionId}",
		"Begins a session."),
	GET("/sessions/active", "listActiveSessions", "Sessions that run a query."),
	GET("/sessions/queued", "listQueuedSessions", "Sessions that wait for their pool."),
	GET("/sessions/config", "getSessionControlConfig", "Settings of session control."),
	PATCH("/sessions/config", "configureSessionControl",
		"Changes settings of session control."),
	POST("/sessions/check-idle", "checkIdleTimeouts", "Ends sessions that are idle too long."),
	POST("/sessions/check-execution", "checkExecutionTimeouts",
		"Ends what has run for too long."),
	POST("/sessions/check", "checkTimeouts", "Holds sessions to all limits of time."),
	GET("/sessions/stats", "getSessionStats", "What the session controller has done."),
	GET("/sessions/{sessionId}", "getSession", "One session."),
	PATCH("/sessions/{sessionId}", "updateSessionAttributes",
		"Changes what is known of a client."),
	DELETE("/sessions/{sessionId}", "terminateSession", "Ends a session of this server."),
	POST("/sessions/{sessionId}/kill", "killSession", "Ends a session and its work."),
	GET("/sessions/{sessionId}/group", "getSessionGroup", "The group of a session, and why."),
	GET("/sessions/{sessionId}/group-history", "getSessionGroupHistory",
		"The groups that a session was in."),
	GET("/sessions/{sessionId}/wait", "explainWait", "Why a session waits, and for whom."),
	PATCH("/sessions/{sessionId}/limits", "setSessionLimits", "Sets limits of a session."),
	POST("/sessions/{sessionId}/priority", "setSessionPriority", "Sets a priority."),
	POST("/sessions/{sessionId}/boost", "boostSessionPriority", "Raises a priority by one."),
	POST("/sessions/{sessionId}/blocked", "reportSessionBlocked",
		"A session waits for a lock of another."),
	POST("/sessions/{sessionId}/unblocked", "reportSessionUnblocked",
		"A session has the lock it waited for."),
	POST("/sessions/{sessionId}/cancel-queued", "cancelQueuedQuery",
		"A query leaves the queue of its pool."),
	POST("/sessions/{sessionId}/switch", "switchSessionGroup",
		"Moves a session to another group."),
	POST("/sessions/{sessionId}/start-query", "startQuery",
		"A query of another engine begins."),
	POST("/sessions/{sessionId}/complete-query", "completeQuery",
		"A query of another engine is over."),
	POST("/sessions/{sessionId}/sql", "executeSql", "Runs one statement."),
	POST("/sessions/{sessionId}/cancel", "cancelSql", "Cancels the statement that runs."),

	/* Session pools */
	GET("/session-pools", "listGroupSessionPools", "Session pools of groups."),
	POST("/session-pools", "configureGroupSessionPool", "Gives a group a session pool."),
	GET("/session-pools/{groupId}", "getGroupSessionPool", "The session pool of one group."),
	DELETE("/session-pools/{groupId}", "removeGroupSessionPool", "Takes a session pool away."),

	/* The whole */
	GET("/stats", "getResourceStats", "All statistics of one moment."),
	POST("/stats/reset", "resetStatistics", "Lets totals count from now on, for readers."),
	GET("/config", "getResourceManagerConfig", "Settings of the whole."),
	PATCH("/config", "updateResourceManagerConfig", "Changes settings of the whole."),
	GET("/container", "getContainerLimits", "Limits of the container."),
	LIST("/events", "listResourceEvents", "sequence", "What has happened."),
	POST("/rebalance", "rebalanceResources", "Rebalances everything."),
	GET("/monitoring", "getMonitoringStatus",
		"What rebalances by itself, and what that costs."),
	POST("/monitoring/start", "startResourceMonitoring", "Starts rebalancing at its interval."),
	POST("/monitoring/stop", "stopResourceMonitoring",
		"Stops rebalancing; limits of time are still enforced."),

	/* Definitions as a whole, and their past */
	GET("/configuration", "exportConfiguration", "All definitions as one document."),
	POST("/configuration", "importConfiguration",
		"Makes definitions as a document says, all or none."),
	GET("/revisions", "listConfigurationRevisions", "Changes of definitions, newest first."),
	GET("/revisions/{revision}", "getConfigurationRevision", "One change."),
	GET("/revisions/{fromRevision}/diff", "diffConfiguration",
		"What has changed since a revision, or up to another."),
	POST("/revisions/{revision}/rollback", "rollbackConfiguration",
		"Makes definitions as they were, as a new revision."),

	/* The server, and this interface itself */
	GET("/server", "serverInfo", "Version, times, processors."),
	GET("/openapi.json", NULL, "This document."),
	GET("/problems", NULL, "What the codes of problems mean."),
};
const size_t rest_n_rows = sizeof(rest_rows) / sizeof(rest_rows[0]);
